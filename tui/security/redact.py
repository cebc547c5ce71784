"""Redaction of secrets: one set of rules for everything that is shown, copied, logged or written."""

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
"""Members of an `auth` object that are not secret: they name the method of the sign-in, not its credentials."""
_QUERY_NAMES = r"(?:[\w.-]*(?:token|secret|password|signature|credential|api_?key)[\w.-]*|sig|key|code|state|auth|pwd)"
_SECRET_PATTERNS = (
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
_PATTERN_PARTS = ("=", "_", "key", "secret", "passw", "token", "credential", "bearer", "basic", "://", "eyj",
          "sk-", "glpat-", "xox", "akia", "asia", "aiza", "pypi-")  # fmt: skip
"""Each match of a pattern contains one of these, in lower case; searching for them first is much faster."""
MASK = "••••"
"""The replacement for a secret that is known by value."""
MIN_SHORTENED_SECRET_CHARS = 12
"""Characters from which a masked secret keeps its ending."""
SHOWN_ENDING_CHARS = 4
"""Characters of a long secret that its mask keeps, so that the operator can tell which secret it is."""
MAX_JSON_DEPTH = 200
MAX_CACHED_CHARS = 40
"""Characters up to which a text or a name is cached with its result."""
MAX_CACHED_TEXTS = 10_000
MAX_CACHED_NAMES = 4096


def mask_secret(secret: str) -> str:
    """Return the mask for a secret: a long one keeps its last four characters."""
    if len(secret) < MIN_SHORTENED_SECRET_CHARS:
        return MASK
    return MASK + secret[-SHOWN_ENDING_CHARS:]


class Redactor:
    """Redacts secrets: those found by rules, and those known by value, such as the configured API key."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Create a redactor of these known secrets."""
        secrets = tuple(known)
        self._known_secrets = KnownSecrets(secrets)
        long_enough = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET_CHARS]
        self._longest_first = sorted(long_enough, key=len, reverse=True)
        self._cached_texts: dict[str, str] = {}
        """The results for short texts: ids, names and statuses are shown often."""

    def mask_known(self, text: str) -> str:
        """Return the text with only the known secrets masked, which are never shown."""
        return _mask_as_displayed(text, self._mask_secrets)

    def mask_known_exact(self, text: str) -> str:
        """Return the text with known secrets masked where they occur to the letter; `mask_known` may mask more."""
        for secret in self._longest_first:
            text = text.replace(secret, MASK)
        return text

    def text(self, text: str) -> str:
        """Return the text with every secret masked."""
        if len(text) > MAX_CACHED_CHARS:
            return self._redact_text(text)
        redacted = self._cached_texts.get(text)
        if redacted is None:
            if len(self._cached_texts) > MAX_CACHED_TEXTS:
                self._cached_texts.clear()
            redacted = self._redact_text(text)
            self._cached_texts[text] = redacted
        return redacted

    def _redact_text(self, text: str) -> str:
        """Redact a text: as JSON by the names of its fields if it is that, otherwise by the form of secrets."""
        text = self.mask_known(text)
        if text[:1] in {"{", "["}:
            value = parse_nested(text)
            is_json = not isinstance(value, str)
            if is_json:
                redacted = self.json(value)
                return text if redacted == value else dumps(redacted)
        return _mask_as_displayed(text, _mask_patterns)

    def _mask_secrets(self, text: str) -> str:
        return self._known_secrets.masked(text, MASK)

    def json(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """Return the JSON value with every secret masked, found by the name of its field or by its form."""
        if depth > MAX_JSON_DEPTH:
            return "… nested too deep to show"
        if isinstance(value, str):
            return mask_secret(value) if value and is_secret(name) else self.text(value)
        if isinstance(value, dict):
            return self._redact_object(value, name, depth + 1)
        if isinstance(value, list | tuple):
            return self._redact_list(value, name, depth + 1)
        return value

    def _redact_list(self, items: Iterable[Any], name: str, depth: int) -> list[Any]:
        """Redact the items of a list; every text in a holder of secrets is one."""
        if not is_holder(name):
            return [self.json(item, name, depth) for item in items]
        return [self._mask_or_redact(item, name, depth) for item in items]

    def _redact_object(self, value: dict[Any, Any], holder: str, depth: int) -> dict[Any, Any]:
        """Redact the fields of an object, which is called `holder` in the object or list around it."""
        redacted: dict[Any, Any] = {}
        holds_secrets = is_holder(holder)
        for key, item in value.items():
            name = str(key)
            if item is None:
                redacted_item = None
            elif holds_secrets:
                redacted_item = self._redact_member(holder, name, item, depth)
            elif is_secret_member(holder, name):
                redacted_item = self._redact_member("secrets", name, item, depth)
            else:
                redacted_item = self.json(item, name, depth)
            redacted_key = self.text(key) if isinstance(key, str) else key
            redacted[redacted_key] = redacted_item
        return redacted

    def _redact_member(self, holder: str, name: str, item: Any, depth: int) -> Any:
        """Redact a member of an object that holds secrets under arbitrary names, such as headers."""
        is_open_header = _OPEN_HEADERS.match(name.lower())
        if is_open_header or (is_secret(holder) and _plain_name(name) in _OPEN_IN_SECRETS):
            return self.json(item, name, depth)
        return self._mask_or_redact(item, holder, depth)

    def _mask_or_redact(self, item: Any, holder: str, depth: int) -> Any:
        """Mask a text of a secret holder; redact any other value."""
        if item and isinstance(item, str):
            return mask_secret(item)
        return self.json(item, holder, depth)


def is_secret(name: str) -> bool:
    """Return whether the name of a field says that its text is a secret."""
    if len(name) > MAX_CACHED_CHARS:
        return _sounds_secret(name)
    return _sounds_secret_cached(name)


@lru_cache(MAX_CACHED_NAMES)
def _sounds_secret_cached(name: str) -> bool:
    return _sounds_secret(name)


def _sounds_secret(name: str) -> bool:
    """Return whether a name contains a word for secrets, or is one of the vendor's fields that hold one."""
    return bool(_SECRET_NAME.search(_snake_case(name))) or _plain_name(name) in FIELDS


def is_holder(name: str) -> bool:
    """Return whether the name of an object or list says that it is a holder of secrets: every text in it is one."""
    if len(name) > MAX_CACHED_CHARS:
        return _sounds_like_holder(name)
    return _sounds_like_holder_cached(name)


@lru_cache(MAX_CACHED_NAMES)
def _sounds_like_holder_cached(name: str) -> bool:
    return _sounds_like_holder(name)


def _sounds_like_holder(name: str) -> bool:
    plain_name = _plain_name(name)
    return plain_name in HOLDERS or plain_name in FIELDS


def is_secret_member(holder: str, name: str) -> bool:
    """Return whether a member of this name is secret in the object that is called `holder`."""
    if len(holder) > MAX_CACHED_CHARS:
        return False
    members = _secret_members_cached(holder)
    return bool(members) and _plain_name(name) in members


@lru_cache(MAX_CACHED_NAMES)
def _secret_members_cached(holder: str) -> frozenset[str]:
    return MEMBERS_OF.get(_plain_name(holder), frozenset())


def _plain_name(name: str) -> str:
    """Return the plain form of a name: lower case, its words joined by `_`."""
    return _snake_case(name).replace("-", "_")


def _snake_case(name: str) -> str:
    """Return a name in lower case, with `_` between the words of camel case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", without_hidden(name)).lower()


def _mask_as_displayed(text: str, mask: Callable[[str], str]) -> str:
    """Mask a text as it is, and as it is displayed: without hidden characters, which may divide a secret."""
    masked = mask(text)
    displayed = without_hidden(masked)
    if displayed == masked:
        return masked
    masked_display = mask(displayed)
    if masked_display == displayed:  # the hidden characters divide no secret, and can stay
        return masked
    return masked_display


def _mask_patterns(text: str) -> str:
    """Mask the secrets in a text that have a known form."""
    if text.isascii() and not _can_match_pattern(text):
        return text
    return _secret_pattern().sub(_mask_match, text)


@cache
def _secret_pattern() -> re.Pattern[str]:
    """Return all patterns of secrets as one, compiled on first use because that is slow."""
    return re.compile("|".join(_SECRET_PATTERNS), re.IGNORECASE | re.DOTALL)


def _can_match_pattern(text: str) -> bool:
    """Return whether a pattern of secrets can match an ASCII text, which is known quickly."""
    contains = text.lower().__contains__
    return any(map(contains, _PATTERN_PARTS))


def _mask_match(match: re.Match[str]) -> str:
    """Return a match with its secret masked, unless that is a mask already."""
    group = str(match.lastgroup)  # every pattern names the group of its secret
    whole = match.group()
    secret = match.group(group)
    if secret.startswith(MASK):
        return whole
    start = match.start(group) - match.start()
    end = start + len(secret)
    return whole[:start] + mask_secret(secret) + whole[end:]
