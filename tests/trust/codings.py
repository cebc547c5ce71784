"""Every coding of a secret that SECURITY.md lists, as tools, logs and models may write it."""

from __future__ import annotations

import base64
import html
import quopri
import re
import textwrap
from collections.abc import Callable
from html.entities import html5
from urllib.parse import quote

Coding = Callable[[str], str]

_NAMES = {char: name for name, char in html5.items() if len(char) == 1 and name.endswith(";")}


def hexadecimal(separator: str, *, prefix: str = "", upper: bool = False) -> Coding:
    """Encode with two digits a byte and a separator."""
    form = "02X" if upper else "02x"
    return lambda secret: separator.join(f"{prefix}{byte:{form}}" for byte in secret.encode())


def numbers(form: str, separator: str) -> Coding:
    """Encode with one number a byte and a separator."""
    return lambda secret: separator.join(format(byte, form) for byte in secret.encode())


def each(form: str) -> Coding:
    """Encode with one escape a character."""
    return lambda secret: "".join(form.format(ord(char)) for char in secret)


def in_base64(encoding: str, *, is_wrapped: bool = False, times: int = 1) -> Coding:
    """Encode in base64, also with line ends, and twice."""

    def coded(secret: str) -> str:
        data = secret.encode(encoding)
        for _ in range(times):
            data = base64.b64encode(data)
        return "\r\n".join(textwrap.wrap(data.decode(), 10)) if is_wrapped else data.decode()

    return coded


def quoted_printable(secret: str) -> str:
    """Encode as mail does, with soft line ends every few characters and none within an escape."""
    coded = quopri.encodestring(secret.encode()).decode().replace("=\n", "")
    units = re.findall("=[0-9A-F]{2}|.", coded)
    lines = ["".join(units[at : at + 9]) for at in range(0, len(units), 9)]
    return "=\n".join(lines) if " " not in coded else coded


def parted(by: str) -> Coding:
    """Insert another text after each third character."""
    return lambda secret: by.join(secret[at : at + 3] for at in range(0, len(secret), 3))


CODINGS: dict[str, Coding] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "hex": hexadecimal(""),
    "hex, upper case": hexadecimal("", upper=True),
    "hex with colons": hexadecimal(":"),
    "hex with spaces": hexadecimal(" ", upper=True),
    "hex with hyphens": hexadecimal("-"),
    "hex with line ends": hexadecimal("\n"),
    "hex with \\x": hexadecimal("", prefix="\\x"),
    "hex with \\x, upper case": hexadecimal("", prefix="\\x", upper=True),
    "hex with 0x": hexadecimal(", ", prefix="0x"),
    "hex with 0x, upper case": hexadecimal(" ", prefix="0x", upper=True),
    "decimal numbers": numbers("d", ", "),
    "decimal numbers of three digits": numbers("03d", " "),
    "octal numbers": numbers("03o", " "),
    "octal numbers without zeros": numbers("o", ", "),
    "octal numbers with 0o": numbers("#o", ", "),
    "octal numbers with 0": lambda secret: " ".join(f"0{byte:o}" for byte in secret.encode()),
    "binary numbers": numbers("08b", " "),
    "binary numbers with 0b": numbers("#010b", " "),
    "hex with h": lambda secret: " ".join(f"{byte:02X}h" for byte in secret.encode()),
    "hex with \\x{}": each("\\x{{{:x}}}"),
    "percent": lambda secret: quote(secret, safe=""),
    "percent, every byte": hexadecimal("", prefix="%", upper=True),
    "percent, every byte, lower case": hexadecimal("", prefix="%"),
    "percent, twice": hexadecimal("", prefix="%25", upper=True),
    "\\u": each("\\u{:04x}"),
    "\\u, escaped": each("\\\\u{:04X}"),
    "\\u{}": each("\\u{{{:x}}}"),
    "\\U": each("\\U{:08x}"),
    "%u": each("%u{:04X}"),
    "U+": lambda secret: " ".join(f"U+{ord(char):04X}" for char in secret),
    "octal escapes": each("\\{:03o}"),
    "HTML": html.escape,
    "HTML decimal": each("&#{};"),
    "HTML decimal with zeros": each("&#{:07d};"),
    "HTML hex": each("&#x{:x};"),
    "HTML hex, upper case": each("&#X{:04X};"),
    "HTML decimal, escaped": each("&amp;#{};"),
    "HTML names": lambda secret: "".join(f"&{_NAMES[char]}" if char in _NAMES else char for char in secret),
    "quoted-printable": quoted_printable,
    "quoted-printable, every byte": hexadecimal("", prefix="=", upper=True),
    "base32": lambda secret: base64.b32encode(secret.encode()).decode(),
    "base32, lower case": lambda secret: base64.b32encode(secret.encode()).decode().lower(),
    "ascii85": lambda secret: base64.a85encode(secret.encode()).decode(),
    "ascii85 with line ends": lambda secret: base64.a85encode(secret.encode(), wrapcol=11).decode(),
    "base85": lambda secret: base64.b85encode(secret.encode()).decode(),
    "base64": in_base64("utf-8"),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "base64 with line ends": in_base64("utf-8", is_wrapped=True),
    "base64 twice": in_base64("utf-8", times=2),
    "base64 twice with line ends": in_base64("utf-8", times=2, is_wrapped=True),
    "UTF-16": lambda secret: secret.encode("utf-16-le").decode("latin-1"),
    "UTF-16, big-endian": lambda secret: secret.encode("utf-16-be").decode("latin-1"),
    "UTF-16 in hex": lambda secret: secret.encode("utf-16-le").hex(),
    "UTF-16, big-endian, in hex": lambda secret: secret.encode("utf-16-be").hex(),
    "UTF-16 in base64": in_base64("utf-16-le"),
    "UTF-16, big-endian, in base64": in_base64("utf-16-be"),
    "UTF-16 with its mark in base64": in_base64("utf-16"),
    "parted by line ends": parted("\n"),
    "parted by CR LF": parted("\r\n"),
    "parted by tabs": parted("\t"),
    "parted by tags": parted('<span class="key">'),
    "parted by console markup": parted("[bold]"),
    "parted by terminal styles": parted("\x1b[1;31m"),
    "parted by written line ends": parted("\\n"),
}
OF_LONG_SECRETS: dict[str, Coding] = {
    "parted by spaces": parted(" "),
    "parted by hyphens": parted("-"),
    "parted by Markdown": parted("**"),
    "parted by indented line ends": parted("\n    "),
    "parted by quotes": parted('" + "'),
}
"""What is found of secrets with enough letters and digits to be known by these alone."""
