"""Templates of one language, into which its texts are put as they are compiled; rendering a page asks for none of them.

`t("order.title")` becomes the text itself, and `view.lang` the language. A call with values, or with a name that is not
fixed, stays a call.
"""

from __future__ import annotations

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

from kramik.site.texts import Texts

CALLED, LANGUAGE = "t", ("view", "lang")
"""What templates call the texts of their language, and where they read which one it is."""


class FoldedEnvironment(Environment):
    """Templates for pages in one language."""

    def __init__(self, texts: Texts, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # the options of Jinja's own
        self._texts = texts

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - the signature is Jinja's
    ) -> str:
        return super()._generate(_Folding(self._texts).visit(source), name, filename, defer_init)


class _Folding(NodeTransformer):
    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - Jinja names it so
        """Return the text in the place of a call that can say nothing else."""
        self.generic_visit(node)
        match node:
            case nodes.Call(
                node=nodes.Name(name=name),
                args=[nodes.Const(value=text)],
                kwargs=[],
                dyn_args=None,
                dyn_kwargs=None,
            ) if name == CALLED and text in self._texts.all and "{" not in self._texts.all[text]:
                return nodes.Const(self._texts.all[text], lineno=node.lineno)
            case _:
                return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja names it so
        """Return the language in the place of the question for it."""
        self.generic_visit(node)
        match node:
            case nodes.Getattr(node=nodes.Name(name=name), attr=attr) if (name, attr) == LANGUAGE:
                return nodes.Const(self._texts.lang, lineno=node.lineno)
            case _:
                return node
