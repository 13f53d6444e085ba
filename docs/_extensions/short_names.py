"""A link for a name that is written without its module, if only one thing has it."""

from sphinx.util.nodes import make_refnode


def setup(app):
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _resolve(app, env, node, content):
    if node.get("refdomain") != "py":
        return None
    objects = env.get_domain("py").objects
    ending = "." + node["reftarget"]
    found = [
        name
        for name, entry in objects.items()
        if name.endswith(ending) and not entry.aliased
    ]
    if len(found) != 1:
        return None
    entry = objects[found[0]]
    return make_refnode(
        app.builder, node["refdoc"], entry.docname, entry.node_id, content
    )
