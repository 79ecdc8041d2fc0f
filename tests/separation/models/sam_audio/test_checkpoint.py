"""Reading checkpoints: every layout gives the same network, every damage names its tensor, memory stays small."""

from __future__ import annotations

import collections
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from separation.errors import BackendUnavailable, WeightsMissing
from separation.models.sam_audio.checkpoint import checkpoint
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.checkpoint.tensor_files import places
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.pytorch.network import load_torch_network
from separation.models.sam_audio.verify import TorchSubject, report
from tests.support.sam_models import CHECKPOINT, GOLDEN, converted, folder_with, tensors, tiny, tiny_config


def parameters(network):
    return {
        f"{part}.{name}": value
        for part, module in (("codec", network.codec), ("field", network.field))
        for name, value in module.named_parameters()
    }


def assert_same_network(network, reference):
    found, expected = parameters(network), parameters(reference)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_safetensors_of_the_same_names_are_the_same_network(tmp_path):
    assert_same_network(load_torch_network(folder_with(tmp_path, tensors())), tiny())


def test_a_renamed_and_transposed_conversion_is_the_same_network_and_meets_the_reference(tmp_path):
    folder = folder_with(tmp_path, converted(tensors()), text=True)
    assert_same_network(load_torch_network(folder), tiny())
    assert report(TorchSubject(folder), GOLDEN / "04_anchors.npz")["within_tolerance"]


def test_a_conversion_in_several_files_is_the_same_network(tmp_path):
    weights = {name: tensor.contiguous() for name, tensor in converted(tensors()).items()}
    folder = folder_with(tmp_path, {})
    (tmp_path / "model.safetensors").unlink()
    names = sorted(weights)
    for number, part in enumerate((names[:100], names[100:]), start=1):
        save_file({name: weights[name] for name in part}, tmp_path / f"model-0000{number}-of-00002.safetensors")
    assert_same_network(load_torch_network(folder), tiny())


def test_half_precision_files_are_read_into_float32(tmp_path):
    network = load_torch_network(
        folder_with(tmp_path, {name: tensor.half() for name, tensor in converted(tensors()).items()})
    )
    for name, value in parameters(network).items():
        assert value.dtype == torch.float32
        assert torch.allclose(value, parameters(tiny())[name], rtol=1e-2, atol=1e-2)


def test_what_is_left_unread_is_the_vision_encoder_and_the_watermark():
    used = {stored.names[0] for part in parts(read_config(CHECKPOINT)) for stored in part.sources}
    # Layers 3, 6, 7 and 11 of a decoder block only carry the watermark; the video's features are always zero.
    watermark = r"audio_codec\.decoder\.(wm_model\.(?!encoder_block\.pre\.[01]\.)|model\.\d\.block\.(3|6|7|11)\.)"
    unread = {name for name in tensors() if name.startswith("vision_encoder.") or re.match(watermark, name)}
    assert set(tensors()) - used == unread | {"align_masked_video.conv.weight"}


# One tensor of every kind: codec convolution, transposed one, snake, transformer matrix and table, folded inputs.
KINDS = [
    "audio_codec.encoder.block.2.block.1.block.3.weight_v",
    "audio_codec.encoder.block.0.weight_g",
    "audio_codec.decoder.model.2.block.1.weight_v",
    "audio_codec.decoder.wm_model.encoder_block.pre.0.alpha",
    "audio_codec.quantizer.in_proj.bias",
    "transformer.layers.1.cross_attention.wk.weight",
    "transformer.layers.0.scale_shift_table",
    "transformer.x_embedder.block.block2.project.weight",
    "proj.weight",
    "align_masked_video.layer_norm.bias",
    "embed_anchors.embed.weight",
    "memory_proj.bias",
]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("official", [True, False], ids=["official", "converted"])
def test_a_missing_tensor_is_named(tmp_path, name, official):
    weights = tensors()
    weights.pop(name)
    folder = folder_with(tmp_path, weights if official else converted(weights), safetensors=not official)
    with pytest.raises(BackendUnavailable) as error:
        load_torch_network(folder)
    assert f"“{name}”" in str(error.value) and "missing" in str(error.value)


@pytest.mark.parametrize("name", KINDS)
def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path, name):
    weights = tensors()
    shape = tuple(weights[name].shape)
    weights[name] = torch.zeros(*shape[:-1], shape[-1] + 1)
    with pytest.raises(BackendUnavailable) as error:
        load_torch_network(folder_with(tmp_path, weights))
    assert all(text in str(error.value) for text in (name, str(shape), str((*shape[:-1], shape[-1] + 1))))


def test_a_tensor_of_another_shape_is_named_in_a_conversion_too(tmp_path):
    weights = converted(tensors())
    weights["audio_codec.decoder.blocks.1.block_1.weight_v"] = torch.zeros(24, 20, 49)
    with pytest.raises(BackendUnavailable, match=r"decoder\.blocks\.1\.block_1\.weight_v.*\(24, 20, 48\)"):
        load_torch_network(folder_with(tmp_path, weights))


@pytest.mark.parametrize("name", ["transformer.layers.2.attention.wq.weight", "lora.a", "proj.scales"])
def test_a_tensor_nobody_knows_is_named(tmp_path, name):
    with pytest.raises(BackendUnavailable, match=name.replace(".", r"\.")):
        load_torch_network(folder_with(tmp_path, {**tensors(), name: torch.zeros(3)}))


def test_a_tensor_under_both_its_names_is_refused(tmp_path):
    weights = tensors()
    weights["audio_codec.encoder.conv_in.bias"] = weights["audio_codec.encoder.block.0.bias"].clone()
    with pytest.raises(BackendUnavailable, match="second time"):
        load_torch_network(folder_with(tmp_path, weights))


def test_one_convolution_in_the_other_order_of_axes_is_refused(tmp_path):
    weights, name = tensors(), "audio_codec.encoder.block.1.block.4.weight_v"
    weights[name] = weights[name].permute(0, 2, 1)
    with pytest.raises(BackendUnavailable, match=name):
        load_torch_network(folder_with(tmp_path, weights))


def test_quantised_weights_are_refused_by_name(tmp_path):
    weights, name = tensors(), "transformer.layers.0.attention.wo.weight"
    weights[name] = weights[name].to(torch.int8)
    with pytest.raises(BackendUnavailable, match=name):
        load_torch_network(folder_with(tmp_path, weights))


def test_a_conversion_without_the_video_path_is_refused_unless_asked_for(tmp_path):
    weights = {
        name: value for name, value in converted(tensors()).items() if not name.startswith("align_masked_video.")
    }
    folder = folder_with(tmp_path, weights)
    with pytest.raises(BackendUnavailable, match=r"align_masked_video\.gate"):
        load_torch_network(folder)
    assert not torch.equal(
        parameters(load_torch_network(folder, video_constant=False))["field.from_audio.bias"],
        parameters(tiny())["field.from_audio.bias"],
    )


@pytest.mark.parametrize("name", ["checkpoint.pt", "model.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_a_damaged_file_is_named(tmp_path, name, damage):
    file = folder_with(tmp_path, tensors(), safetensors=name.endswith("safetensors")) / name
    data = file.read_bytes()
    file.write_bytes({"cut": data[: len(data) // 2], "garbage": b"\x00\xff" * 5000, "empty": b""}[damage])
    with pytest.raises(BackendUnavailable, match=name):
        load_torch_network(tmp_path)


class Runs:
    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize("harm", [Path("x"), Runs()], ids=["a class", "a function"])
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, capsys, harm):
    folder = folder_with(tmp_path, {"proj.bias": harm}, safetensors=False)
    with pytest.raises(BackendUnavailable, match=r"checkpoint\.pt.*it would run"):
        load_torch_network(folder)
    assert "it ran" not in capsys.readouterr().out


def test_tensors_of_a_pytorch_file_are_what_pytorch_reads(tmp_path):
    base = torch.arange(60, dtype=torch.float64).reshape(3, 4, 5)
    weights = {
        "permuted": base.permute(2, 0, 1),
        "slice": base[1:, ::2, 1],
        "scalar": torch.tensor(3.5),
        "half": base.half(),
        "bfloat16": base.bfloat16(),
        "none": torch.zeros(0, 4),
        "int": torch.arange(9),
        "parameter": torch.nn.Parameter(base.float()),
    }
    torch.save(collections.OrderedDict(weights), tmp_path / "checkpoint.pt")
    found = places(tmp_path / "checkpoint.pt")
    assert found.keys() == weights.keys()
    for name, expected in weights.items():
        tensor = found[name].read(torch.empty(found[name].n_bytes, dtype=torch.uint8))
        assert tensor.dtype == expected.dtype
        assert torch.equal(tensor, expected.detach())


def rewritten(file, change):
    """The zip archive with its records changed: name and bytes to a name, bytes and way of compression."""
    with zipfile.ZipFile(file) as archive:
        records = [change(record.filename, archive.read(record)) for record in archive.infolist()]
    with zipfile.ZipFile(file, "w") as archive:
        for name, data, compression in records:
            archive.writestr(name, data, compression)


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda name, data: (name, data, zipfile.ZIP_DEFLATED), "compressed"),
        (lambda name, data: (name, data[:-4] if "/data/" in name else data, zipfile.ZIP_STORED), "beyond its storage"),
        (lambda name, data: (name, b"big" if "byteorder" in name else data, zipfile.ZIP_STORED), "big-endian"),
        (lambda name, data: (name.replace("data.pkl", "other"), data, zipfile.ZIP_STORED), "no table"),
        (lambda name, data: (name.replace("/data/", "/gone/"), data, zipfile.ZIP_STORED), "checkpoint.pt"),
        (lambda name, data: (name, data.replace(b"FloatStorage", b"OtherStorage"), zipfile.ZIP_STORED), "OtherStorage"),
        (lambda name, data: (name, data.replace(b"FloatStorage", b"_rebuild_qt"), zipfile.ZIP_STORED), "checkpoint.pt"),
    ],
    ids=["compressed", "too short", "big-endian", "no table", "no values", "unknown type", "broken table"],
)
def test_an_archive_that_is_not_as_pytorch_writes_it_is_refused(tmp_path, change, why):
    folder = folder_with(tmp_path, tensors(), safetensors=False)
    rewritten(folder / "checkpoint.pt", change)
    with pytest.raises(BackendUnavailable, match=why):
        load_torch_network(folder)


@pytest.mark.parametrize("content", [[1.0], {"proj.bias": 3}])
def test_a_pickle_that_is_no_table_of_tensors_is_refused(tmp_path, content):
    folder = folder_with(tmp_path, tensors(), safetensors=False)
    torch.save(content, folder / "checkpoint.pt")
    with pytest.raises(BackendUnavailable, match="table of tensors"):
        load_torch_network(folder)


@pytest.mark.parametrize(
    "entry, why",
    [
        ({"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}, "F8_E4M3"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}, "9 bytes"),
        ({"dtype": "F32", "shape": [-2], "data_offsets": [8, 0]}, "beyond"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [10**9, 10**9 + 8]}, "beyond"),
        ({"dtype": "F32", "shape": [2]}, "data_offsets"),
        ([], "model.safetensors"),
    ],
)
def test_a_safetensors_header_that_cannot_be_right_is_refused(tmp_path, entry, why):
    folder = folder_with(tmp_path, {})
    header = json.dumps({"__metadata__": {"format": "pt"}, "proj.bias": entry}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(BackendUnavailable, match=why):
        load_torch_network(folder)


def test_a_tensor_in_two_files_is_refused(tmp_path):
    folder = folder_with(tmp_path, tensors())
    save_file({"proj.bias": tensors()["proj.bias"]}, folder / "more.safetensors")
    with pytest.raises(BackendUnavailable, match=r"“proj.bias” is also in model\.safetensors|more\.safetensors"):
        load_torch_network(folder)


def test_a_file_that_is_cut_while_it_is_read_is_named(tmp_path, monkeypatch):
    folder = folder_with(tmp_path, tensors())
    file = folder / "model.safetensors"

    def found_then_cut(path):
        found = places(path)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        return found

    monkeypatch.setattr(checkpoint, "places", found_then_cut)
    with pytest.raises(BackendUnavailable, match="bytes early"):
        load_torch_network(folder)


def test_a_folder_without_weights_says_what_it_should_hold(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(tiny_config()))
    with pytest.raises(WeightsMissing, match=r"\.safetensors"):
        load_torch_network(tmp_path)


MEASURED_LOAD = """
import sys
from pathlib import Path
import torch
from separation.models.sam_audio.pytorch import network
network.load_torch_network(Path(sys.argv[1]))  # once before, so that imports and pools are in memory
def peak():
    if sys.platform == "linux":  # getrusage would begin with the peak of the process that started this one
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    if sys.platform == "win32":
        import psutil
        return psutil.Process().memory_info().peak_wset
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
kept = network.load_torch_network(Path(sys.argv[2]), precision=sys.argv[3])
used = sum(p.nbytes for part in (kept.codec, kept.field) for p in (*part.parameters(), *part.buffers()))
print(peak() - before, used)
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["checkpoint.pt", "model.safetensors"])
def test_loading_reads_only_what_is_used_and_holds_it_once(tmp_path, kind):
    config = tiny_config()
    config["transformer"] |= {"dim": 512, "context_dim": 512, "n_heads": 8, "n_layers": 12}
    shapes = {
        stored.names[0]: stored.shape for part in parts(read_config_of(tmp_path, config)) for stored in part.sources
    }
    weights = {name: torch.full(shape, 0.1) for name, shape in shapes.items()}
    n_used = sum(tensor.nbytes for tensor in weights.values())
    unused = torch.ones(n_used // 4 // 8)
    weights |= {f"vision_encoder.{number}": unused.clone() for number in range(24)}  # three quarters of the file
    folder_with(tmp_path, weights, safetensors=kind != "checkpoint.pt")
    (tmp_path / "config.json").write_text(json.dumps(config))
    peak, used = measured_load(tmp_path, "float32")
    assert used == pytest.approx(n_used, rel=0.05)
    # Peak memory of a fresh process, above the same process once torch and the network's code were in it, over the
    # bytes that are used: 1.02 to 1.03. Reading what is not used would make it 4, holding what is used twice 2. Below
    # 0.9 the measurement itself would have failed: the parameters are there.
    assert 0.9 < peak / used < 1.25
    if kind == "checkpoint.pt":
        peak, used = measured_load(tmp_path, "int8")
        assert used < 0.35 * n_used
        assert peak < 0.6 * n_used  # rounded as they are read


@pytest.mark.long
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["fp16", "bf16"])
def test_half_precision_in_two_files_is_held_once_in_float32(tmp_path, dtype):
    config = tiny_config()
    config["transformer"] |= {"dim": 512, "context_dim": 512, "n_heads": 8, "n_layers": 12}
    sources = (stored for part in parts(read_config_of(tmp_path, config)) for stored in part.sources)
    weights = {source.names[0]: torch.full(source.shape, 0.1) for source in sources}
    n_used = sum(tensor.nbytes for tensor in weights.values())
    codec = {name: tensor for name, tensor in weights.items() if name.startswith("audio_codec.")}
    halves = {name: tensor.to(dtype) for name, tensor in weights.items() if name not in codec}
    save_file(halves, tmp_path / "model.fp16.safetensors")
    save_file(codec, tmp_path / "audio_codec.safetensors")
    peak, used = measured_load(tmp_path, "float32")
    assert used == pytest.approx(n_used, rel=0.05)
    # As above: 1.02 to 1.03. A copy of the halves beside their float32 values would make it 1.5.
    assert 0.9 < peak / used < 1.25


def measured_load(folder, precision):
    """Peak memory of loading and bytes that were loaded, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED_LOAD, str(CHECKPOINT), str(folder), precision],
        capture_output=True,
        text=True,
        check=True,
    )
    return map(float, done.stdout.split())


def read_config_of(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    return read_config(folder)
