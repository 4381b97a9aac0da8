"""What the shell offers while a command is typed: keys of settings, and the models of the workspace."""

from pathlib import Path

import typer


def setting_keys(incomplete: str) -> list[tuple[str, str]]:
    """Return the keys that begin so, each with its equals sign, and its default as help."""
    from purchase_pred.settings.keys import leaves
    from purchase_pred.settings.tree import Settings

    known = leaves(Settings, Settings().model_dump(mode="json"))
    return [(f"{key}=", f"default: {value}") for key, value in known if f"{key}=".startswith(incomplete)]


def model_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the models of the workspace by name, and then their kinds, that begin so."""
    from purchase_pred.pipeline.store.address import store_address

    workspace = Path(ctx.params.get("workspace") or ".").expanduser()
    address = store_address(workspace)
    workspace = address.folder() if address else workspace
    names = sorted((path.parent.name for path in workspace.glob("models/*/model.json")), reverse=True)
    kinds = sorted({name.partition("_")[0] for name in names})
    return [name for name in (*names, *kinds) if name.startswith(incomplete)]
