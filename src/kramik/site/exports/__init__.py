"""The shop for a site that another generator makes: data, the order form, and the files that put them in place."""
