"""Secrets are masked before anything is shown, copied, logged or written; one set of rules for every outlet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any

from tui.client.json_codec import dumps, parse_nested
from tui.security.known_secrets import SHORTEST_SECRET_CHARS, KnownSecrets
from tui.security.sanitize import without_hidden
from tui.security.secret_names import FIELDS, HOLDERS, MEMBERS_OF

_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:api[-_.]?key|apikey|x[-_]api[-_]key|token|access[-_]?token|refresh[-_]?token|id[-_]?token|secret"
    r"|password|passwd|pwd|passphrase|authorization|auth|cookie|set[-_]cookie|signature|sig|private(?:[-_]key)?|dsn"
    r"|connection[-_]?string|credentials?|x[-_]amz[-_].*|client[-_]?secret|signing[-_]?secret|otp|pin|session[-_]?key"
    r"|oidc[-_]?token|user[-_]?tokens|bearer|webhook[-_]url)(?:$|[^a-z])"
)
_OPEN_HEADERS = re.compile(r"^(?:accept.*|content-.*|user-agent|host|date|cache-control|toolcall.*)$")
_OPEN_IN_SECRETS = frozenset({"type", "auth_type", "token_type", "grant_type", "scheme", "scope", "scopes"})
"""What under `auth` tells how somebody signs in, and not with what."""
_QUERY_NAMES = r"(?:[\w.-]*(?:token|secret|password|signature|credential|api_?key)[\w.-]*|sig|key|code|state|auth|pwd)"
_PATTERNS = (
    r"(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",
    r"(?P<jwt>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
    r"(?P<known>\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|npm_\w{30,}|pypi-[\w-]{30,}|[rs]k_(?:live|test)_\w{16,}))",
    r"(?:\b(?:bearer|basic)\s+(?P<bearer>[\w.~+/=-]{8,}))",
    r"(?:\w://[^\s/:@]*:(?P<userinfo>[^\s/@\"<>]+(?:@[^\s/@\"'<>,;()]+)*)@)",
    r"(?:\bhttps?://(?P<usertoken>[^\s/:@\"<>]{8,})@)",
    rf"(?:[?&;]{_QUERY_NAMES}=(?P<query>[^&;\s\"'<>]+))",
    r"(?:(?<![\w-])(?:[\w-]*(?:api[-_]?key|secret|password|passwd|token|credential)s?)\\{0,4}[\"']?\s*[:=]\s*\\{0,4}"
    r"(?:\"(?P<doublequoted>[^\"\n\\]{6,})\\{0,4}\"|'(?P<singlequoted>[^'\n\\]{6,})\\{0,4}'"
    r"|[\"']?(?P<pair>[^\s\"',;&}\]]{6,})))",
)
_MARKS = ("=", "_", "key", "secret", "passw", "token", "credential", "bearer", "basic", "://", "eyj",
          "sk-", "glpat-", "xox", "akia", "asia", "aiza", "pypi-")  # fmt: skip
"""What none of these patterns does without, in small letters: to look for them is quicker by far."""
MASK = "••••"
"""What stands in the place of a secret that is known by value."""
_DEEPEST = 200
MAX_CACHED_CHARS = 40
"""Characters up to which a text or a name is remembered with what became of it."""
MAX_CACHED_TEXTS = 10_000
"""How many of these."""


def mask_secret(secret: str) -> str:
    """What is shown of a secret: the last four characters of a long one, nothing of a short one."""
    return f"••••{secret[-4:]}" if len(secret) >= 12 else "••••"


class Redactor:
    """The rules, and the secrets known by value, such as the configured key."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        secrets = tuple(known)
        self._known = KnownSecrets(secrets)
        self._longest_first = sorted((one for one in secrets if len(one) >= SHORTEST_SECRET_CHARS), key=len)[::-1]
        self._short: dict[str, str] = {}
        """What short texts were shown as: ids, names and statuses come again and again."""

    def known(self, text: str) -> str:
        """The text with only those secrets masked that are known by value: they are never shown."""
        return _as_seen(text, self._without_known)

    def known_to_the_letter(self, text: str) -> str:
        """The text with the same secrets masked only where they stand to the letter; `known` may hide more."""
        for secret in self._longest_first:
            text = text.replace(secret, MASK)
        return text

    def text(self, text: str) -> str:
        """The text with every secret in it masked."""
        if len(text) > MAX_CACHED_CHARS:
            return self._text(text)
        shown = self._short.get(text)
        if shown is None:
            if len(self._short) > MAX_CACHED_TEXTS:
                self._short.clear()
            shown = self._short[text] = self._text(text)
        return shown

    def _text(self, text: str) -> str:
        text = self.known(text)
        if text[:1] in {"{", "["} and not isinstance(inner := parse_nested(text), str):
            masked_inner = self.json(inner)
            return text if masked_inner == inner else dumps(masked_inner)
        return _as_seen(text, _without_secrets)

    def _without_known(self, text: str) -> str:
        return self._known.masked(text, MASK)

    def json(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """The value with every secret in it masked, by the name of its field or by its look."""
        if depth > _DEEPEST:
            return "… nested too deep to show"
        if isinstance(value, str):
            return mask_secret(value) if value and is_secret(name) else self.text(value)
        if isinstance(value, dict):
            return self._object(value, name, depth + 1)
        if isinstance(value, list | tuple):
            return self._list(value, name, depth + 1)
        return value

    def _list(self, value: Iterable[Any], name: str, depth: int) -> list[Any]:
        if not _holds_secrets(name):
            return [self.json(item, name, depth) for item in value]
        return [mask_secret(item) if item and isinstance(item, str) else self.json(item, name, depth) for item in value]

    def _object(self, value: dict[Any, Any], holder: str, depth: int) -> dict[Any, Any]:
        shown: dict[Any, Any] = {}
        holds_secrets, members = _holds_secrets(holder), _members_of(holder)
        for key, item in value.items():
            name = str(key)
            if item is None:
                told = None
            elif holds_secrets:
                told = self._held(holder, name, item, depth)
            elif members and _plain_name(name) in members:
                told = self._held("secrets", name, item, depth)
            else:
                told = self.json(item, name, depth)
            shown[self.text(key) if isinstance(key, str) else key] = told
        return shown

    def _held(self, holder: str, name: str, item: Any, depth: int) -> Any:
        """A member of what holds secrets under names of their own, such as headers."""
        if _OPEN_HEADERS.match(name.lower()) or (is_secret(holder) and _plain_name(name) in _OPEN_IN_SECRETS):
            return self.json(item, name, depth)
        return mask_secret(item) if isinstance(item, str) and item else self.json(item, holder, depth)


def is_secret(name: str) -> bool:
    """Whether the name of a field tells that its text is a secret."""
    return _sounds_secret(name) if len(name) > MAX_CACHED_CHARS else _is_known_secret(name)


def _holds_secrets(name: str) -> bool:
    """Whether the name of an object or list tells that every text in it is a secret."""
    return _sounds_like_holder(name) if len(name) > MAX_CACHED_CHARS else _is_known_holder(name)


@lru_cache(4096)
def _is_known_holder(name: str) -> bool:
    return _sounds_like_holder(name)


def _sounds_like_holder(name: str) -> bool:
    plain = _plain_name(name)
    return plain in HOLDERS or plain in FIELDS


def _members_of(holder: str) -> frozenset[str]:
    """The fields that are secret in the object of this name."""
    return frozenset() if len(holder) > MAX_CACHED_CHARS else _known_members_of(holder)


@lru_cache(4096)
def _known_members_of(holder: str) -> frozenset[str]:
    return MEMBERS_OF.get(_plain_name(holder), frozenset())


def _plain_name(name: str) -> str:
    """The name in small letters, its words joined by `_`, however it is spelled."""
    return _spaced(name).replace("-", "_")


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", without_hidden(name)).lower()


@lru_cache(4096)
def _is_known_secret(name: str) -> bool:
    return _sounds_secret(name)


def _sounds_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(_spaced(name))) or _plain_name(name) in FIELDS


def _as_seen(text: str, mask: Callable[[str], str]) -> str:
    """The text masked as it stands, and as the eye joins it where what takes no room parts a secret."""
    text = mask(text)
    if (joined := without_hidden(text)) == text:
        return text
    again = mask(joined)
    return text if again == joined else again


def _without_secrets(text: str) -> str:
    if text.isascii() and not _has_mark(text):
        return text
    return _secret_text().sub(_mask_match, text)


@cache
def _secret_text() -> re.Pattern[str]:
    """All of these patterns; made when it is first needed, which takes longer than all other imports here."""
    return re.compile("|".join(_PATTERNS), re.IGNORECASE | re.DOTALL)


def _has_mark(text: str) -> bool:
    return any(map(text.lower().__contains__, _MARKS))


def _mask_match(found: re.Match[str]) -> str:
    group = str(found.lastgroup)  # every look has a group of its own
    whole, secret = found.group(), found.group(group)
    if secret.startswith("••••"):
        return whole
    start = found.start(group) - found.start()
    return whole[:start] + mask_secret(secret) + whole[start + len(secret) :]
