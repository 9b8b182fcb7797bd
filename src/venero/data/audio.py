"""Audio: clips of one sampling rate, read from folders and zips of WAV and FLAC files; their codec into frames."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from math import gcd
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.errors import DataError, nearest
from venero.data.series import SeriesCodec
from venero.data.spec import Spec
from venero.maths.mel import Frames, cosines, log_mel, mfcc, mfcc_with_deltas, wave_of

Wave = NDArray[np.float32]
SUFFIXES = (".wav", ".flac")
_SPOKEN_DIGIT = re.compile(r"(\d)_([a-z]+)_(\d+)", re.IGNORECASE)  # DIGIT_SPEAKER_TAKE of the Free Spoken Digit Dataset
_PARTS = {"digit": 0, "speaker": 1, "take": 2}
_TEST_TAKES = range(5)


class Clips(list[Any]):
    """n clips, each (T_i,) float32 in -1..1, of one sampling rate.

    >>> Clips([np.zeros(80)], rate=8000)[:1].rate
    8000
    """

    data_kind: ClassVar[str] = "audio"

    def __init__(self, clips: Iterable[Any] = (), rate: int = 16000):
        super().__init__(np.asarray(c, dtype=np.float32) for c in clips)
        self.rate = rate

    def __getitem__(self, which: Any) -> Any:
        found = super().__getitem__(which)
        return Clips(found, self.rate) if isinstance(which, slice) else found


def clips_checked(X: Any) -> Clips:
    """Clips that are there, finite, mono and of some length."""
    if not len(X):
        raise DataError("X is empty: it holds no clip, and at least 1 is needed")
    for i, clip in enumerate(X):
        if clip.ndim != 1:
            raise DataError(f"X[{i}] has shape {clip.shape}: a clip is (T,), one channel; mix it down with .mean(1)")
        if not len(clip):
            raise DataError(f"X[{i}] is empty: leave that clip out")
        if not np.isfinite(clip).all():
            raise DataError(f"X[{i}] has NaN or infinite values: leave that clip out")
    checked: Clips = X
    return checked


# -- the codec ---------------------------------------------------------------------------
_FEATURES: dict[str, Callable[[Tensor, Frames], Tensor]] = {
    "logmel": log_mel,
    "mfcc": mfcc,
    "mfcc+deltas": mfcc_with_deltas,
}


@dataclass
class FramesCodec:
    """Clips as series of standardised frames: log-mel spectra or cepstra. Decoding seeks a wave with about these spectra."""

    name: ClassVar[str] = "frames"
    takes: ClassVar[tuple[str, ...]] = ("audio",)
    form: str = "mfcc"
    rate: int = 0
    inner: SeriesCodec = field(default_factory=SeriesCodec)

    @property
    def how(self) -> Frames:
        return Frames(self.rate)

    def fit(self, X: Any) -> Spec:
        self.rate = X.rate
        return self.inner.fit(self._frames(X))

    def lengths(self, X: Any) -> Tensor:
        return torch.tensor([self.how.count(len(clip)) for clip in X], dtype=torch.int64)

    def encode(self, X: Any) -> Tensor:
        if getattr(X, "rate", self.rate) != self.rate:
            raise DataError(f"X has {X.rate} samples a second, fit saw {self.rate}: read it with rate={self.rate}")
        return self.inner.encode(self._frames(X))  # (n, T, d)

    def decode(self, x: Tensor, lengths: Tensor | None = None) -> Clips:
        ends = torch.full((len(x),), x.shape[1]) if lengths is None else lengths
        how, frames = self.how, self.inner.decode(x, ends)
        return Clips((self._wave(torch.from_numpy(f).float(), how) for f in frames), self.rate)

    def log_det(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Of the frames: a wave itself has no density here."""
        return self.inner.log_det(x, lengths)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors, card = self.inner.state()
        return tensors, {"form": self.form, "rate": self.rate, "inner": card}

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        return cls(card["form"], card["rate"], SeriesCodec.restore(tensors, card["inner"]))

    def _frames(self, X: Any) -> list[Any]:
        of = _FEATURES[self.form]
        return [of(torch.from_numpy(np.asarray(clip, np.float32)), self.how).numpy() for clip in X]

    def _wave(self, frames: Tensor, how: Frames) -> Wave:
        log_mels = frames if self.form == "logmel" else frames[:, : how.n_mfcc] @ cosines(how.n_mels, how.n_mfcc)
        wave = wave_of(log_mels, how)
        return np.asarray((wave / wave.abs().max().clamp_min(1.0)).numpy(), dtype=np.float32)


# -- files -------------------------------------------------------------------------------
class Heard(NamedTuple):
    """What a folder or a zip of audio files holds."""

    X: Clips
    names: list[str]  # of the files, within the folder
    sha256: str


def find_audio(path: Path) -> list[tuple[Path, str | None]]:
    """The WAV and FLAC files of a folder and below it, and those in its zips: (file, None) or (zip, member), sorted."""
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
    return [one for file in files for one in _sounds(file, path)]


def _sounds(file: Path, root: Path) -> Iterator[tuple[Path, str | None]]:
    if any(part.startswith((".", "__MACOSX")) for part in file.relative_to(root).parts):
        return
    if file.suffix.lower() in SUFFIXES:
        yield file, None
    if file.suffix.lower() == ".zip":
        try:
            with ZipFile(file) as archive:
                names = sorted(archive.namelist())
        except (BadZipFile, OSError) as error:
            raise DataError(f"{file} can't be read ({error}): it is damaged, or no zip") from None
        yield from ((file, n) for n in names if n.lower().endswith(SUFFIXES) and not n.startswith("__MACOSX"))


def read_audio(path: Path, rate: int | None = None) -> Heard:
    """All clips; `rate` resamples each to so many samples a second and mixes its channels down."""
    if rate is not None and rate < 1:
        raise DataError(f"rate = {rate!r}: must be samples a second, such as 16000")
    found = find_audio(path)
    if not found:
        raise DataError(f"{path} holds no audio: put WAV or FLAC files there, or in one subfolder per class")
    names = [_name(path, file, member) for file, member in found]
    digest, waves, heads = sha256(), [], []
    for content, name in zip(_contents(found), names, strict=True):
        digest.update(content)
        wave, own = _decoded(content, name)
        waves.append(wave)
        heads.append((own, wave.shape[1]))
    if rate is None:
        rate = _common(names, heads)
    clips = [_resampled(wave, own, rate) for wave, (own, _) in zip(waves, heads, strict=True)]
    return Heard(Clips(clips, rate), names, digest.hexdigest())


def _name(root: Path, file: Path, member: str | None) -> str:
    inside = file.name if file == root else str(file.relative_to(root))
    return inside if member is None else member if file == root else f"{Path(inside).parent / member}"


def _contents(found: list[tuple[Path, str | None]]) -> Iterator[bytes]:
    """The bytes of each file, each zip opened once."""
    with ExitStack() as opened:
        archives: dict[Path, ZipFile] = {}
        for file, member in found:
            if member is None:
                yield file.read_bytes()
                continue
            if file not in archives:
                archives[file] = opened.enter_context(ZipFile(file))
            try:
                content = archives[file].read(member)
            except (BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
                raise DataError(f"{file}: {member} can't be read ({error}): the zip is damaged, or locked") from None
            yield content


def _decoded(content: bytes, name: str) -> tuple[Wave, int]:
    """A file's samples (T, channels) in -1..1, and its rate."""
    try:
        import soundfile
    except ImportError:
        raise DataError("reading audio needs soundfile: pip install venero[audio]") from None
    try:
        wave, rate = soundfile.read(BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).partition(": ")[2] or type(error).__name__
        raise DataError(f"{name} can't be read as audio ({reason}): repair or remove it") from None
    if not len(wave):
        raise DataError(f"{name} holds no samples: remove it")
    return wave, rate


def wav_bytes(clip: Any, rate: int) -> bytes:
    """A clip as a WAV file of 16 bits."""
    import soundfile

    buffer = BytesIO()
    soundfile.write(buffer, np.clip(clip, -1, 1), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _common(names: list[str], heads: list[tuple[int, int]]) -> int:
    """The rate of all files, which are mono; DataError names the first that is not as the most."""
    common = Counter(heads).most_common(1)[0][0]
    for name, head in zip(names, heads, strict=True):
        if head != common:
            most = f"{_said(head)} where most files have {_said(common)}"
            raise DataError(f"{name} has {most}: pass rate={common[0]} to make all alike, or remove it")
    if common[1] > 1:
        raise DataError(f"{names[0]} has {_said(common)}, as all do: pass rate={common[0]} to mix them down to one channel")
    return common[0]


def _said(head: tuple[int, int]) -> str:
    return f"{head[0]} samples a second in {head[1]} channel{'s' if head[1] > 1 else ''}"


def _resampled(wave: Wave, own: int, rate: int) -> Wave:
    from scipy.signal import resample_poly

    mono = wave.mean(axis=1)
    if own == rate:
        return mono
    common = gcd(own, rate)
    return np.asarray(resample_poly(mono, rate // common, own // common), dtype=np.float32)


# -- labels from names -------------------------------------------------------------------
class Told(NamedTuple):
    """What files' names tell: labels, groups that belong together, and which files are the official test set."""

    labels: list[str] | None
    groups: list[str] | None
    test: NDArray[np.bool_] | None


def told_by(names: list[str], target: str | int | None) -> Told:
    """Labels from subfolders, or DIGIT_SPEAKER_TAKE (digit the label, speaker the group, takes 0 to 4 the test set).

    target: digit, speaker or take of such names, or the place of a part of any names between underscores.
    """
    stems, folders = [Path(n).stem for n in names], [Path(n).parent.name for n in names]
    if all(map(_SPOKEN_DIGIT.fullmatch, stems)):
        return _spoken(stems, "digit" if target is None else target)
    if target is not None:
        return Told([_part(stem, target) for stem in stems], None, None)
    return Told(folders if any(folders) else None, None, None)


def _spoken(stems: list[str], target: str | int) -> Told:
    if isinstance(target, str) and target not in _PARTS and not target.lstrip("-").isdigit():
        raise DataError(f"target = {target!r}: {nearest(target, _PARTS)}, the parts of names such as 7_theo_12.wav")
    rows = [stem.split("_") for stem in stems]
    place = _PARTS.get(str(target), target)
    test = np.array([int(row[2]) in _TEST_TAKES for row in rows])
    groups = [row[1] for row in rows] if place == 0 else None  # a speaker to be told has to be in both parts
    return Told([_part(stem, place) for stem in stems], groups, test if test.any() and not test.all() else None)


def _part(stem: str, target: str | int) -> str:
    try:
        return stem.split("_")[int(target)]
    except (ValueError, IndexError):
        raise DataError(
            f"target = {target!r}: {stem!r} has no such part; give its place between underscores, 0 first"
        ) from None
