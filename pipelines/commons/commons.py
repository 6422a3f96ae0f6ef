"""Wikimedia Commons over HTTP, by its rules: the address of a file, when it is asked for again, and when not."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from indexer.encoders import sniff_format
from pipelines.commons.cache import CacheEntry, FetchCache
from pipelines.commons.http import HttpClient, HttpResponse
from pipelines.commons.pace import Pace
from pipelines.images import MAX_IMAGE_BYTES, Missing, check_name
from pipelines.storage import cache_folder
from schemas.errors import InputError, UsageError
from schemas.titles import THUMBNAIL_WIDTHS_PX, file_key, quoted_name, thumbnail_path

__all__ = ["CommonsRules", "CommonsSource", "make_commons_source"]

_UPLOAD, _WIKI = "https://upload.wikimedia.org", "https://commons.wikimedia.org"
_TRANSIENT_STATUS = (408, 425, 429, 500, 502, 503, 504)
_TRANSIENT_PROBLEMS = ("timeout", "connection", "cut_off")
"""Failures that may have passed when the file is asked for again."""
_NOT_THERE_STATUS = (400, 404, 410)
"""400 too: the site answers so for a thumbnail that is wider than its original."""
_MAIL = re.compile(r"[^\s@<>()]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SITE = re.compile(r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/\S*)?")
_NOBODY = re.compile(r"(?:^|[@./])example\.(?:com|org|net)|\.(?:invalid|test|example|localhost)(?:$|/)", re.IGNORECASE)
_DAY_S = 86_400.0


@dataclass(frozen=True)
class CommonsRules:
    """The rules of the site, and how patient we are. Each is a setting: `commons:?width_px=500&mbit_per_s=10`.

    Source: Wikimedia's User-Agent policy, robot policy and thumbnail size policy, as of 2025.

    Args:
        width_px: width of the thumbnail; one of those that the site serves.
        connections: requests at a time, of all processes of this machine.
        mbit_per_s: over all connections together.
        tries: for one file, while the site is busy or the connection breaks.
        max_pause_s: longest pause that a build waits; if the site asks for more, it stops, and goes on when run again.
        first_pause_s: pause before the second try; doubled for each further one, unless the site says how long.
        timeout_s: for one file.
        fresh_days: days for which a cached picture is used before the site is asked whether it has changed.
        missing_days: days before a file that the site did not have is asked for again.
        give_up: number of files in a row without a usable answer after which the build stops.
        cache_gb: bound of the cache on disk.
        max_bytes: largest picture.
    """

    width_px: int = 330
    connections: int = 2
    mbit_per_s: float = 25.0
    tries: int = 5
    max_pause_s: float = 600.0
    first_pause_s: float = 1.0
    timeout_s: float = 60.0
    fresh_days: float = 90.0
    missing_days: float = 30.0
    give_up: int = 10
    cache_gb: float = 20.0
    max_bytes: int = MAX_IMAGE_BYTES


@dataclass
class CommonsSource:
    """Thumbnails of Wikimedia Commons, or of a mirror of it at one address.

    Args:
        contact: mail or web address of the operator, for the User-Agent.
        base: address of a mirror with the paths /wikipedia/commons/thumb/... and /wiki/...; "": Wikimedia.
        rules: how the site is asked.
    """

    contact: str
    base: str = ""
    rules: CommonsRules = CommonsRules()
    _client: HttpClient | None = field(default=None, init=False, repr=False, compare=False)
    _cache: FetchCache | None = field(default=None, init=False, repr=False, compare=False)
    _pace: Pace | None = field(default=None, init=False, repr=False, compare=False)
    _failures: int = field(default=0, init=False, repr=False, compare=False)

    reads_containers: ClassVar[bool] = False
    is_for_one_machine: ClassVar[bool] = True

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source, given the same contact."""
        default = CommonsRules()
        values = [(item.name, getattr(self.rules, item.name)) for item in fields(default)]
        words = "&".join(f"{name}={value}" for name, value in values if value != getattr(default, name))
        return f"commons:{self.base}" + (f"?{words}" if words else "")

    def open(self) -> None:
        """Open the cache; the site is not asked yet."""
        from importlib import metadata

        ours, theirs = (f"{name}/{metadata.version(name)}" for name in ("mie-context", "urllib3"))
        name = f"{ours} ({self.contact}) {theirs}"
        host = urlsplit(self.base or _UPLOAD).netloc.replace(":", "-")
        folder = cache_folder("commons", host)
        origins = (self.base,) if self.base else (_UPLOAD, _WIKI)
        self._client = HttpClient(name, origins, self.rules.max_bytes, self.rules.timeout_s)
        self._cache = FetchCache(folder / "pictures.sqlite", int(self.rules.cache_gb * 1e9))
        self._pace = Pace(folder, self.rules.connections, self.rules.mbit_per_s * 1e6 / 8)

    def describe(self) -> dict[str, Any]:
        """Return the site and the width: what the site holds is not known beforehand."""
        return {"source": f"commons:{self.base}", "width_px": self.rules.width_px}

    def fetch(self, file: str) -> bytes | Missing:
        """Return the thumbnail of a file, from the cache or the site.

        Raises:
            InputError: the site does not answer for many files, or asks for a longer pause than we take.
            StoreError: the cache cannot be written.
        """
        if self._cache is None:
            self.open()
        assert self._cache is not None
        bad = check_name(file)
        if bad is not None:
            return bad
        key = f"{self.rules.width_px}/{file_key(file)}"  # the cache is shared by builds with other widths
        known = self._cache.get(key)
        if known is not None:
            days = self.rules.missing_days if known.body is None else self.rules.fresh_days
            if known.age_s < days * _DAY_S:
                return known.body or Missing("not_found", "the site did not have it when it was last asked")
        return self._fetch_anew(file_key(file), key, known)

    def _fetch_anew(self, file: str, key: str, known: CacheEntry | None) -> bytes | Missing:
        assert self._cache is not None
        old = known.body if known is not None else None
        response = self._ask(self._thumbnail(file), _conditions(known) if known is not None and old is not None else {})
        if response.status in _NOT_THERE_STATUS and not response.problem:
            response = self._ask(self._redirect(file), {})  # renamed, or smaller than the width
        if response.status == 304 and old is not None:
            self._cache.refresh(key)
            return old
        refusal = _refusal(response)
        self._count_failure(refusal)
        if refusal is None:
            if response.is_whole:  # else it may have been cut off, and would be kept so
                etag, modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
                self._cache.put(key, response.body, etag, modified)
            return response.body
        if refusal.reason == "not_found":
            self._cache.put(key, None)
        elif old is not None:
            return old  # an old picture is better than none while the site is down
        return refusal

    def _thumbnail(self, file: str) -> str:
        return f"{self.base or _UPLOAD}/wikipedia/commons/thumb/{thumbnail_path(file, self.rules.width_px)}"

    def _redirect(self, file: str) -> str:
        """Return the address that redirects to where a file is now. Source: MediaWiki's Special:Redirect/file."""
        return f"{self.base or _WIKI}/wiki/Special:Redirect/file/{quoted_name(file)}?width={self.rules.width_px}"

    def _ask(self, url: str, conditions: Mapping[str, str]) -> HttpResponse:
        """Ask for an address, and ask again while the site is busy or the connection breaks."""
        assert self._pace is not None
        assert self._client is not None
        pause_s = self.rules.first_pause_s
        for attempt in range(1, self.rules.tries + 1):
            with self._pace.turn():
                response = self._client.get(url, conditions)
            self._pace.spent(response.read_bytes)
            is_busy = response.status in _TRANSIENT_STATUS
            if not is_busy and response.problem not in _TRANSIENT_PROBLEMS:
                break
            retry_after_s = _retry_after_s(response.headers.get("retry-after", "")) if is_busy else None
            if retry_after_s is not None and retry_after_s > self.rules.max_pause_s:
                raise InputError(
                    f"the site asks for a pause of {retry_after_s:.0f} s",
                    path=self.spec,
                    remedy="give the command again after that: what was fetched is kept",
                )
            if retry_after_s is not None:
                self._pace.hold(retry_after_s)  # for all processes
            elif attempt < self.rules.tries:
                # At random within a quarter, so that processes that failed together do not ask again together.
                time.sleep(min(self.rules.max_pause_s, pause_s * random.uniform(0.75, 1.25)))  # noqa: S311
            pause_s *= 2
        return response

    def _count_failure(self, refusal: Missing | None) -> None:
        """Stop the build after many failures in a row: a site that is down must not look like missing files."""
        self._failures = 0 if refusal is None or refusal.reason == "not_found" else self._failures + 1
        if refusal is not None and self._failures >= self.rules.give_up:
            raise InputError(
                f"no usable answer for {self._failures} files one after the other ({refusal.reason}: {refusal.detail})",
                path=self.spec,
                remedy="check the network and --contact, then give the command again: what was fetched is kept",
            )

    def __getstate__(self) -> dict[str, object]:
        """Travel without connections: each worker opens its own."""
        return {**self.__dict__, "_client": None, "_cache": None, "_pace": None}


def make_commons_source(words: str, contact: str | None) -> CommonsSource:
    """Make the source of `commons:[BASE][?RULE=VALUE&...]`, given without the scheme; nothing is opened yet.

    Args:
        words: address of a mirror, and rules that differ from the default.
        contact: mail or web address of the operator.

    Raises:
        UsageError: no contact, or one that reaches nobody; an unknown rule or width.
    """
    if contact is None or not (_MAIL.fullmatch(contact) or _SITE.fullmatch(contact)) or _NOBODY.search(contact):
        raise UsageError(
            "commons: needs --contact, a mail or web address at which the site's operators reach you",
            remedy="give --contact you@your-site.org: Wikimedia refuses programs that do not say who runs them",
        )
    base, _, query = words.partition("?")
    if base and (urlsplit(base).scheme not in ("http", "https") or urlsplit(base).path.strip("/")):
        raise UsageError(f"{base} is no address of a mirror", remedy="give commons: or commons:https://HOST")
    return CommonsSource(contact, base.rstrip("/"), _parse_rules(query, is_mirror=bool(base)))


def _parse_rules(query: str, *, is_mirror: bool) -> CommonsRules:
    """Read the rules after the question mark.

    Raises:
        UsageError: an unknown rule or width, or a value that the site does not allow.
    """
    types = {name: type(value) for name, value in vars(CommonsRules()).items()}
    values: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        try:
            values[name] = types[name](value)
        except (KeyError, ValueError) as error:
            raise UsageError(f"{name}={value} is no rule of commons:", remedy=f"rules: {', '.join(types)}") from error
    rules = CommonsRules(**values)
    if rules.width_px not in THUMBNAIL_WIDTHS_PX:
        widths = ", ".join(map(str, THUMBNAIL_WIDTHS_PX))
        raise UsageError(f"thumbnails of {rules.width_px} px are not served", remedy=f"widths that are: {widths}")
    if not 1 <= rules.connections <= 2 and not is_mirror:
        raise UsageError("Wikimedia allows one or two connections", remedy="leave connections out")
    if min(rules.mbit_per_s, rules.tries, rules.give_up, rules.timeout_s, rules.max_bytes, rules.connections) <= 0:
        raise UsageError("the rules of commons: are more than 0", remedy="leave them out")
    return rules


def _conditions(known: CacheEntry) -> dict[str, str]:
    """Return the headers by which the site sends the picture only if it has changed."""
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in headers.items() if value}


def _refusal(response: HttpResponse) -> Missing | None:
    """Return why a response is no picture; None if it is one."""
    if response.problem:
        return Missing(response.problem, response.detail)
    if response.status in _NOT_THERE_STATUS:
        return Missing("not_found", f"HTTP {response.status}")
    if response.status != 200:
        return Missing("refused" if response.status < 500 else "server_error", f"HTTP {response.status}")
    if sniff_format(response.body) is None:
        kind = response.headers.get("content-type", "no type")[:80]
        return Missing("no_picture", f"{len(response.body)} bytes of {kind} came in its place")
    return None


def _retry_after_s(value: str) -> float | None:
    """Read Retry-After: seconds or a date; None if it is neither. Source: RFC 9110, 10.2.3.

    >>> _retry_after_s("120"), _retry_after_s("soon"), _retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT")
    (120.0, None, 0.0)
    """
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
