"""Mailchimp: a purchase is an order of its e-commerce store, the mails are a flow that a tag starts.

Both are of the kind `set`: the order is put under our own id, and a tag that is there is not added again.
The API that triggers a step of a flow is left alone: it answers 204 without an id, and what a repeat does is
not documented. A person whom Mailchimp will not mail, or who had this flow before, is `NotMailable`.
Source: Mailchimp's specification of the Marketing API 3.0.91.
"""

from __future__ import annotations

from kramik.mailers.mailchimp.mailer import MailchimpMailer
from kramik.mailers.mailchimp.settings import FEATURES, Settings

__all__ = ["FEATURES", "MailchimpMailer", "Settings"]
