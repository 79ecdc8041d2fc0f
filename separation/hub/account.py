"""What the hub is told of this computer's account, and what its refusals mean in words."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from separation.errors import Action, BackendUnavailable, PlaygroundError, WeightsMissing
from separation.hub import token as hub_token

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError


class NotPublished(BackendUnavailable):
    """There is no such repository, or it is hidden from this account."""


def page(repository: str) -> str:
    """Return the address of a repository's page, where access to it is requested."""
    return f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co').rstrip('/')}/{repository}"


def how_to_get_access(repository: str) -> str:
    """Return the steps by which a person gets access to a gated repository, up to the token (`Action.sign_in`)."""
    return (
        f"Sign in to huggingface.co, open {page(repository)}, accept the licence and wait until access is granted; "
        "then create a read token in your account's settings there."
    )


def headers(model: str) -> dict[str, str]:
    """Return the HTTP header with the account's token, from where the hub's own library reads it.

    Args:
        model: name of the model in the catalogue that it is needed for.

    Raises:
        BackendUnavailable: the token cannot be one.
    """
    from huggingface_hub import constants, get_token

    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    if token is None:
        return {}
    # Checked here because the error of the connection would quote it.
    if not hub_token.is_sound(token):
        raise BackendUnavailable(
            "The token of the hub on this computer cannot be one.",
            f"It holds a space or a sign that no token has ({_where_from()}).",
            "Correct HF_TOKEN, or keep the token once more.",
            action=Action.sign_in(model),
        )
    return {"authorization": f"Bearer {token}"}


def _where_from() -> str:
    return "from HF_TOKEN" if os.environ.get("HF_TOKEN") else "kept on this computer"


@contextlib.contextmanager
def network_errors(repository: str, model: str, folder: Path, gated: bool) -> Iterator[None]:
    """Turn what the hub's library raises into errors that say what to do; none of them holds the token.

    Args:
        repository: that is asked for.
        model: name of the model in the catalogue that it is asked for.
        folder: where its files go.
        gated: access to it has to be granted first.
    """
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except PlaygroundError:
        raise
    except OfflineModeIsEnabled as offline:
        raise BackendUnavailable(
            f"{repository} was not downloaded.",
            "This program may not connect: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set.",
            "Unset it and try again.",
        ) from offline
    except HfHubHTTPError as refused:
        raise _refused(repository, model, gated, refused) from refused
    except Exception as broken:
        if not _from_the_network(broken):
            raise
        raise BackendUnavailable(
            f"{repository} was not downloaded.",
            f"{page(repository)} cannot be reached ({str(broken) or type(broken).__name__}).",
            f"Connect to the internet and try again, or copy the folder {folder} from another computer.",
        ) from broken


def _from_the_network(failure: Exception) -> bool:
    """Whether it is one of the connection's own errors: httpx's, or those of its successor."""
    return type(failure).__module__.split(".")[0].startswith("httpx") or isinstance(failure, ConnectionError)


def _refused(repository: str, model: str, gated: bool, refused: HfHubHTTPError) -> PlaygroundError:
    from huggingface_hub import get_token
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError

    status = refused.response.status_code
    has_token = get_token() is not None
    if isinstance(refused, GatedRepoError) or (gated and (status == 403 or (status == 401 and not has_token))):
        sent = f"The token it knows ({_where_from()}) does not open it" if has_token else "No token is on this computer"
        return WeightsMissing(
            f"{repository} is gated, and this computer has not been let in.",
            f"{sent} (the hub answered {status}).",
            how_to_get_access(repository),
            action=Action.sign_in(model),
        )
    if status == 401 and has_token:
        return BackendUnavailable(
            "The hub refused this computer's token.",
            f"It is mistyped, expired or revoked ({_where_from()}; the hub answered 401).",
            "Create a read token in your account's settings on huggingface.co.",
            action=Action.sign_in(model),
        )
    if status in (401, 404) and not isinstance(refused, EntryNotFoundError):
        return NotPublished(
            f"The hub has no {repository} for you.",
            f"It does not exist, or only some accounts may see it (the hub answered {status}).",
            f"Look at {page(repository)}; if you may see it, create a read token in your account's settings there.",
            action=Action.sign_in(model),
        )
    if status == 429:
        return BackendUnavailable(
            f"{repository} was not downloaded.",
            "The hub is asked too often from this network (429).",
            "Wait some minutes and try again; what arrived is kept.",
        )
    return BackendUnavailable(
        f"{repository} was not downloaded.",
        f"The hub answered {status}.",
        f"Look at {page(repository)} and try again later.",
    )
