/* What somebody sees of a page, asked inside of it. Each question returns plain values, so that Python can judge. */
({
    name: (each) => each.outerHTML.slice(0, 90),

    /* Where text is cut, lies outside of the window or of its box, or over another text. */
    lost() {
        const said = [];
        if (document.documentElement.scrollWidth > innerWidth) said.push("the page scrolls sideways");
        const lines = this.lines();
        return [...said, ...this.cut(), ...this.outside(lines), ...this.over(lines)];
    },

    torn() {
        const range = document.createRange(), lines = (of) => new Set([...range.getClientRects()].map((line) => Math.round(line.top)));
        return [...document.querySelectorAll(".price")].filter((each) => (range.selectNodeContents(each), lines().size > 1)).length;
    },

    past: "pre, .scroll, .away, .trap, .skip, script, style",

    cut() {
        const said = [];
        for (const each of document.body.querySelectorAll("*:not(svg *)")) {
            if (each.closest(this.past) || !each.checkVisibility()) continue;
            const style = getComputedStyle(each), cuts = (way) => ["hidden", "clip"].includes(style[way]);
            if (cuts("overflowX") && each.scrollWidth > each.clientWidth + 1) said.push(`cut aside: ${this.name(each)}`);
            if (cuts("overflowY") && each.scrollHeight > each.clientHeight + 1) said.push(`cut below: ${this.name(each)}`);
        }
        return said;
    },

    /* Every line of text with its element: what a reader reads, without what may be scrolled or is for screen readers. */
    lines() {
        const found = [], range = document.createRange();
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const text = walker.currentNode, of = text.parentElement;
            if (!text.data.trim() || of.closest(this.past) || !of.checkVisibility({visibilityProperty: true})) continue;
            range.selectNodeContents(text);
            for (const line of range.getClientRects()) if (line.width >= 1) found.push({of, line});
        }
        return found;
    },

    outside(all) {
        const boxes = ".button, .tag, .ticket, .page, .summary, .remarks, .promise, .status", said = [];
        for (const {of, line} of all) {
            const box = of.closest(boxes)?.getBoundingClientRect();
            if (line.left < -1 || line.right > innerWidth + 1) said.push(`outside: ${this.name(of)}`);
            if (box && (line.left < box.left - 1 || line.right > box.right + 1))
                said.push(`out of its box: ${this.name(of)}`);
        }
        return said;
    },

    over(all) {
        const said = [], lines = all.filter(({of}) => !of.closest(".buybar"));  // it lies over what scrolls
        lines.sort((one, other) => one.line.top - other.line.top);
        lines.forEach(({of, line}, at) => {
            for (let next = at + 1; next < lines.length && lines[next].line.top < line.bottom; next++) {
                const other = lines[next];
                const wide = Math.min(line.right, other.line.right) - Math.max(line.left, other.line.left);
                const high = Math.min(line.bottom, other.line.bottom) - other.line.top;
                const apart = !of.contains(other.of) && !other.of.contains(of);
                if (apart && wide > 2 && high > .4 * Math.min(line.height, other.line.height))
                    said.push(`one over the other: ${this.name(of)} and ${this.name(other.of)}`);
            }
        });
        return said;
    },

    /* Targets below 24 pixels with another one within 12 of their middle; links in a sentence may be small. */
    small() {
        const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")]
            .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest(".trap, .skip"))
            .map(each => ({each, box: each.getBoundingClientRect()}));
        const inSentence = (each) => each.tagName == "A" && getComputedStyle(each).display == "inline"
            && each.closest("p, li, dd, label").textContent.trim() != each.textContent.trim();
        const near = (box, other) => {
            const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
            return Math.hypot(
                Math.max(other.left - x, 0, x - other.right), Math.max(other.top - y, 0, y - other.bottom)) < 12;
        };
        return all
            .filter(({each, box}) => (box.width < 24 || box.height < 24) && !inSentence(each)
                && all.some(other => other.each != each && near(box, other.box)))
            .map(({each}) => this.name(each));
    },

    /* What has the focus: its name, whether any of it is in sight, whether an outline shows it. */
    focused() {
        const each = document.activeElement;
        if (each === document.body) return null;
        const box = [...each.getClientRects()].find(one => one.width && one.height);
        const xs = [box.left + 3, (box.left + box.right) / 2, box.right - 3];
        const ys = [box.top + 3, (box.top + box.bottom) / 2, box.bottom - 3];
        const hit = (x, y) => each.contains(document.elementFromPoint(x, y) ?? document.body);
        const style = getComputedStyle(each);
        const shown = style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2;
        return [this.name(each), xs.some(x => ys.some(y => hit(x, y))), shown];
    },

    /* How many parts of the page move, or would. */
    moving() {
        const parts = ["", "::before", "::after", "::details-content"];
        const moves = (style) => style.animationName != "none" || parseFloat(style.transitionDuration) > 0
            || style.scrollBehavior == "smooth";
        return document.getAnimations().length + [...document.querySelectorAll("*")]
            .flatMap(each => parts.map(part => getComputedStyle(each, part))).filter(moves).length;
    },

    /* Whatever is drawn as a thing to press or to fill, with its place on the page. */
    controls() {
        return [...document.querySelectorAll(".button, .buy, button, input:not([type=hidden])")]
            .filter(each => each.checkVisibility() && !each.closest(".trap"))
            .map(each => {
                const box = each.getBoundingClientRect();
                return {name: this.name(each), x: box.x + scrollX + box.width / 2, y: box.y + scrollY};
            });
    },

    /* Style, width and colour of the first border of each, and the colour of the one below. */
    borders: (of) => [...document.querySelectorAll(of)].map(each => getComputedStyle(each)).map(style => [
        style.borderInlineStartStyle, parseFloat(style.borderInlineStartWidth), style.borderInlineStartColor,
        style.borderBottomColor]),

    /* What is on paper: how much of the folds, what is left to press, and every colour but white behind anything. */
    printed() {
        const seen = (of) => [...document.querySelectorAll(of)]
            .filter(each => each.checkVisibility() && each.getBoundingClientRect().height > 0);
        const behind = seen("*").map(each => getComputedStyle(each).backgroundColor);
        return {
            lessons: seen(".lessons li").length,
            answers: seen(".asked .prose").length,
            pressed: seen(".button, .buy, nav, .skip").length,
            painted: behind.filter(colour => !["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"].includes(colour)),
            ink: getComputedStyle(document.body).color,
        };
    },
})
