"""Accounts: what may be set for each, in the environment or in a fleet file, and how that file is read.

The types are shared with `config.Settings`, so that a value is checked alike wherever it stands. No message
repeats a value: a secret may stand in the wrong place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from aps_pipeline.api import check_base_url
from aps_pipeline.api.auth import METHODS
from aps_pipeline.periods import UnknownZoneError, zone
from aps_pipeline.request import BadIdError, check_id


def _ids(value: Any) -> Any:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError("is not a list of ids")
    found: dict[str, None] = {}  # each once, in their order
    for number, each in enumerate(value, 1):
        try:
            found[check_id(each)] = None
        except BadIdError:  # whose message repeats the text
            raise ValueError(f"not an APsystems id: entry {number}") from None
    return tuple(found)


def _a_path(value: str) -> str:
    if not value.replace("/", "").isalnum() or not value.isascii():
        raise ValueError("is not a path such as /user/api/v2")
    return "/" + value.strip("/")


def _a_method(value: str) -> str:
    if value not in METHODS:
        raise ValueError(f"is none of {', '.join(METHODS)}")
    return value


def _a_zone(value: str) -> str:
    try:
        zone(value)
    except UnknownZoneError:  # whose message repeats the text
        raise ValueError("unknown time zone: give an IANA name such as Asia/Shanghai") from None
    return value


_NAME = re.compile(r"^\w[\w .-]{0,39}$")
_SETTING = re.compile(r"[a-z][a-z_]{0,29}")

AppId = Annotated[str, Field(pattern=r"^\S+$")]
SystemIds = Annotated[tuple[str, ...], BeforeValidator(_ids)]
BaseUrl = Annotated[
    str,
    AfterValidator(check_base_url),
    Field(description="Address of the API. Plain http is for loopback only."),
]
ApiPrefix = Annotated[
    str,
    AfterValidator(_a_path),
    Field(description="Path before every endpoint. Installer keys use /installer/api/v2."),
]
SignatureMethod = Annotated[
    str,
    AfterValidator(_a_method),
    Field(description=f"How a call is signed: {' or '.join(METHODS)}."),
]
MonthlyCalls = Annotated[int, Field(ge=0, description="Calls a month that the account may make.")]
ReservedCalls = Annotated[
    int, Field(ge=0, description="Calls a month that are left to other tools with the same App Id.")
]
QuotaZone = Annotated[
    str, AfterValidator(_a_zone), Field(description="Time zone in which the vendor's quota month begins.")
]


class AccountSettings(BaseModel):
    """One account of the OpenAPI: its credentials, its systems, and what it may spend.

    `name` is empty for the account of APS_APP_ID. `app_secret` is None where the variable that
    `app_secret_env` names is not set: credentials are needed only when a call is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=_NAME.pattern, description="Name of the account in what is shown.")]
    app_id: AppId | None = Field(description="App Id of the account. Two accounts never share one.")
    app_secret: Annotated[SecretStr, Field(min_length=1)] | None = Field(
        default=None, description="App Secret of the account. Give this or `app_secret_env`."
    )
    app_secret_env: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = Field(
        default=None, description="Variable of the environment or `.env` that holds the App Secret."
    )
    system_ids: Annotated[SystemIds, Field(min_length=1)] = Field(
        description="Systems of the account (sid). Each belongs to one account."
    )
    base_url: BaseUrl
    api_prefix: ApiPrefix
    signature_method: SignatureMethod
    monthly_calls: MonthlyCalls
    reserved_calls: ReservedCalls
    quota_zone: QuotaZone


LEFT_OUT = ("base_url", "api_prefix", "signature_method", "monthly_calls", "reserved_calls", "quota_zone")
"""What an entry of a fleet file may leave out; the APS_ setting of that name then holds."""


def read_fleet_file(
    path: Path, otherwise: Mapping[str, Any], variables: Mapping[str, str | None]
) -> tuple[AccountSettings, ...]:
    """List the accounts of a fleet file, in its order.

    `otherwise` holds a value for each of LEFT_OUT, `variables` the environment. Raises ValueError, which
    names file and entry and shows no value that may be secret.
    """
    found: list[AccountSettings] = []
    wrong: list[str] = []
    for number, entry in enumerate(_entries(path), 1):
        try:
            if ("app_secret" in entry) == ("app_secret_env" in entry):
                raise ValueError("give either app_secret or app_secret_env")
            account = AccountSettings.model_validate({**otherwise, **entry})
            if account.app_secret_env and (secret := variables.get(account.app_secret_env)):
                account = account.model_copy(update={"app_secret": SecretStr(secret)})
            found.append(account)
        except ValidationError as error:
            wrong += [f"{_label(number, entry)}: {name}: {said}" for name, said in problems_of(error)]
        except ValueError as error:
            wrong.append(f"{_label(number, entry)}: {error}")
    if wrong := wrong or list(_in_common(found)):
        raise ValueError(f"{path}: {'; '.join(wrong)}")
    return tuple(found)


def select_accounts(
    accounts: Iterable[AccountSettings], system_ids: tuple[str, ...]
) -> tuple[AccountSettings, ...]:
    """Select the accounts with no other systems than those. Raises ValueError for one that none has."""
    accounts = tuple(accounts)
    known = {system_id for account in accounts for system_id in account.system_ids}
    if strange := [str(number) for number, each in enumerate(system_ids, 1) if each not in known]:
        raise ValueError(f"no account of the fleet file has entry {', '.join(strange)} of it")
    return tuple(
        account.model_copy(
            update={"system_ids": tuple(sid for sid in account.system_ids if sid in system_ids)}
        )
        for account in accounts
    )


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """List the name and what is wrong of each value that cannot be used, never the value itself."""
    return [
        ("_".join(map(_name_of, problem["loc"])), problem["msg"].removeprefix("Value error, "))
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _name_of(part: str | int) -> str:
    """Find a name that stands in a file, if it looks like one of a setting."""
    return str(part) if isinstance(part, int) or _SETTING.fullmatch(part) else "a strange name"


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise ValueError(f"no file that can be read is named: {reason}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(")[2].rstrip(")")  # the rest may quote a secret
        raise ValueError(f"{path} is not valid TOML {place}") from None
    entries = content.pop("accounts", None)
    if content:
        strange = ", ".join(map(_name_of, content))
        raise ValueError(f"{path}: {strange}: there is nothing but [[accounts]]")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise ValueError(f"{path}: an account begins with [[accounts]], and there is none")
    return entries


def _label(number: int, entry: Mapping[str, Any]) -> str:
    name = entry.get("name")
    return f"account {number}{f' ({name})' if isinstance(name, str) and _NAME.fullmatch(name) else ''}"


def _in_common(accounts: Iterable[AccountSettings]) -> Iterable[str]:
    """List what two accounts have that only one may have: quotas are kept by App Id, requests by system."""
    owners: dict[tuple[str, str | None], tuple[int, str]] = {}
    for number, account in enumerate(accounts, 1):
        own = [("name", account.name), ("app_id", account.app_id)]
        for what, value in (*own, *(("system", system_id) for system_id in account.system_ids)):
            first, name = owners.setdefault((what, value), (number, account.name))
            if first != number:
                yield f"accounts {first} ({name}) and {number} ({account.name}) have the same {what}"
