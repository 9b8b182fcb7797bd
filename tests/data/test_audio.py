"""Audio: files that are alike or not, what names tell, spectra against librosa's, and clips through their codec."""

from __future__ import annotations

from zipfile import ZipFile

import numpy as np
import pytest
import torch

from venero.core.errors import DataError
from venero.core.inputs import array_or_frame
from venero.data.audio import Clips
from venero.data.codecs import CODECS, codec_for
from venero.data.data import Data
from venero.data.sources import dataset
from venero.maths.mel import Frames, deltas, log_mel, mfcc, mfcc_with_deltas

soundfile = pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
RNG = np.random.default_rng(0)


def tone(seconds=0.3, hertz=440.0, rate=8000):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def put(path, wave, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate)
    return path


@pytest.fixture
def spoken(tmp_path):
    """Names as of the spoken digits: 2 digits, 2 speakers, takes 4 to 6."""
    for digit in (0, 1):
        for speaker in ("ann", "bob"):
            for take in (4, 5, 6):
                put(tmp_path / f"{digit}_{speaker}_{take}.wav", tone(0.1 + 0.01 * take, 200 + 300 * digit))
    return tmp_path


def test_spoken_digits_by_their_names(spoken):
    data = dataset(spoken)
    assert (data.kind, data.X.rate, data.class_names) == ("audio", 8000, ("0", "1"))
    assert (len(data), len(data.test)) == (8, 4)
    assert set(data.groups) == {"ann", "bob"}
    assert [len(x) for x in data.test.X] == [round(0.14 * 8000)] * 4
    who = dataset(spoken, target="speaker")
    assert (who.class_names, who.groups) == (("ann", "bob"), None)
    assert "8 clips of" in data.describe()
    with pytest.raises(DataError, match="target = 'word': known: digit, speaker, take"):
        dataset(spoken, target="word")


def test_a_zip_holds_what_a_folder_holds(spoken, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zips")
    with ZipFile(folder / "a.zip", "w") as archive:
        for file in sorted(spoken.glob("*.wav")):
            archive.write(file, file.name)
    for source in (folder, folder / "a.zip"):
        zipped = dataset(source)
        for a, b in zip(zipped.X, dataset(spoken).X, strict=True):
            np.testing.assert_array_equal(a, b)
    (folder / "b.zip").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"b\.zip can't be read"):
        dataset(folder)


def test_subfolders_and_parts_of_names_are_labels(tmp_path):
    put(tmp_path / "cat" / "one_x.flac", tone())
    put(tmp_path / "dog" / "two_y.wav", tone())
    data = dataset(tmp_path)
    assert (data.class_names, data.y.tolist(), data.test) == (("cat", "dog"), [0, 1], None)
    assert dataset(tmp_path, target=1).class_names == ("x", "y")
    with pytest.raises(DataError, match="has no such part"):
        dataset(tmp_path, target=7)


@pytest.mark.parametrize(
    ("name", "wave", "rate", "problem"),
    [
        ("0_ann_9.wav", tone(rate=44100), 44100, "0_ann_9.wav has 44100 samples a second in 1 channel where most"),
        ("0_ann_9.wav", np.stack([tone()] * 2, 1), 8000, "0_ann_9.wav has 8000 samples a second in 2 channels where most"),
    ],
)
def test_an_odd_file_is_named_or_made_like_the_others(spoken, name, wave, rate, problem):
    put(spoken / name, wave, rate)
    with pytest.raises(DataError, match=problem) as e:
        dataset(spoken)
    assert "pass rate=8000" in str(e.value)
    clips = dataset(spoken, rate=8000).X
    odd = next(x for x in clips if len(x) == len(tone()))  # the others are shorter
    inner = slice(100, -100)  # a filter rings at the ends
    np.testing.assert_allclose(odd[inner], tone()[inner], atol=2e-3)


def test_rate_resamples_all(spoken):
    clips = dataset(spoken, rate=16000).X
    assert clips.rate == 16000
    assert {len(x) for x in clips} == {round(0.15 * 16000), round(0.16 * 16000)}


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"RIFF and no more", "can't be read as audio"), (b"", "can't be read as audio"), (None, "holds no samples")],
)
def test_a_broken_file_is_named(spoken, content, problem):
    odd = spoken / "1_bob_7.wav"
    if content is None:
        put(odd, np.zeros(0, np.float32))
    else:
        odd.write_bytes(content)
    with pytest.raises(DataError, match=f"1_bob_7.wav {problem}") as e:
        dataset(spoken)
    assert "\n" not in str(e.value)


def test_options_that_make_no_sense(spoken, tmp_path):
    with pytest.raises(DataError, match="size = 8 is for folders of images"):
        dataset(spoken, size=8)
    with pytest.raises(DataError, match="single clip"):
        dataset(spoken / "0_ann_5.wav")
    with pytest.raises(DataError, match="rate = 0"):
        dataset(spoken, rate=0)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_spectra_are_librosas(rate):
    librosa = pytest.importorskip("librosa", reason="an oracle, in the extra `dev`")
    wave, how = (0.1 * RNG.normal(size=rate // 2)).astype(np.float32), Frames(rate)
    options = {
        "n_fft": how.n_fft,
        "hop_length": how.hop,
        "win_length": how.window,
        "n_mels": how.n_mels,
        "pad_mode": "constant",
    }
    theirs = np.log(np.maximum(librosa.feature.melspectrogram(y=wave, sr=rate, **options), 1e-10))
    ours = torch.from_numpy(wave)
    np.testing.assert_allclose(log_mel(ours, how).T, theirs, atol=1e-5)
    cepstra = librosa.feature.mfcc(S=theirs, n_mfcc=how.n_mfcc)
    np.testing.assert_allclose(mfcc(ours, how).T, cepstra, atol=1e-4)
    slopes = librosa.feature.delta(cepstra, mode="nearest")
    both = np.concatenate([cepstra, slopes, librosa.feature.delta(slopes, mode="nearest")])
    np.testing.assert_allclose(mfcc_with_deltas(ours, how).T, both, atol=1e-4)


def test_deltas_of_a_line_are_its_slope():
    line = torch.arange(20.0)[:, None] * 3
    torch.testing.assert_close(deltas(line)[4:-4], torch.full((12, 1), 3.0))
    assert deltas(line[:1]).tolist() == [[0.0]]


@pytest.mark.parametrize(("form", "width"), [("mfcc", 13), ("mfcc+deltas", 39), ("logmel", 40)])
def test_clips_become_standardised_frames_and_sound_again(form, width):
    X = Clips([tone(0.3, 300), tone(0.2, 900), tone(0.001, 500)], 8000)
    codec = codec_for(X, form)
    spec = codec.fit(X)
    assert (spec.kind, spec.shape) == ("series", (31, width))
    batch = Data.of(X, codec, spec).head(3)
    assert batch.lengths.tolist() == [31, 21, 1]
    again = CODECS[codec.name].restore(*codec.state())
    assert torch.equal(again.encode(X), batch.x)
    steps = torch.cat([row[:t] for row, t in zip(batch.x, batch.lengths, strict=True)])
    torch.testing.assert_close(steps.mean(0), torch.zeros(width), atol=1e-5, rtol=0)
    back = again.decode(batch.x, batch.lengths)
    assert isinstance(back, Clips)
    assert all(x.dtype == np.float32 and abs(x).max() <= 1 for x in back)
    pitch = [np.fft.rfftfreq(len(x), 1 / 8000)[abs(np.fft.rfft(x)).argmax()] for x in back[:2]]
    np.testing.assert_allclose(pitch, [300, 900], atol=60)
    with pytest.raises(DataError, match="16000 samples a second, fit saw 8000"):
        again.encode(Clips(X, 16000))


@pytest.mark.parametrize(
    ("clips", "problem"),
    [
        ([], "X is empty"),
        ([np.zeros((5, 2))], r"X\[0\] has shape \(5, 2\): a clip is \(T,\)"),
        ([np.zeros(3), np.zeros(0)], r"X\[1\] is empty"),
        ([np.full(3, np.nan)], r"X\[0\] has NaN"),
    ],
)
def test_clips_that_are_refused(clips, problem):
    with pytest.raises(DataError, match=problem):
        array_or_frame(Clips(clips, 8000), {"audio": "mfcc"})


def test_the_real_digits(real_data):
    data = dataset(real_data / "fsdd" / "theo.zip")
    assert (len(data), len(data.test), data.X.rate, len(data.class_names)) == (450, 50, 8000, 10)
