"""Writes small random autoencoders in every kind of folder that is read, and what they make of some rows.

Folders of SAELens are saved, encoded and decoded by SAELens; those of Gemma Scope are written by NumPy and
safetensors, and encoded by the formulas of the papers (arXiv:2407.14435, 2408.05147) in f64.

    pip install sae-lens safetensors numpy
    python crates/sae/reference/make_reference.py crates/sae/tests/data
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import sae_lens
import torch
from sae_lens.saes import batchtopk_sae, gated_sae, jumprelu_sae, standard_sae, topk_sae
from sae_lens.saes.sae import SAEMetadata
from safetensors.numpy import save_file

HIDDEN, FEATURES, ROWS = 24, 40, 5


def generator(name: str) -> np.random.Generator:
    return np.random.default_rng(list(name.encode()))


def rows() -> np.ndarray:
    scale = np.array([[0.5], [1.0], [2.0], [8.0], [30.0]])
    return (generator("rows").normal(size=(ROWS, HIDDEN)) * scale + 0.3).astype(np.float32)


def quarters(values: np.ndarray) -> np.ndarray:
    """Short numbers: the files compress, and products are nearly exact."""
    return (np.round(values * 16) / 16).astype(np.float32)


def weights(name: str) -> dict[str, np.ndarray]:
    random = generator(name)
    return {
        "W_enc": quarters(random.normal(size=(HIDDEN, FEATURES))),
        "W_dec": quarters(random.normal(size=(FEATURES, HIDDEN))),
        "b_enc": quarters(random.normal(size=FEATURES) - 2),
        "b_dec": quarters(random.normal(size=HIDDEN)),
    }


def with_threshold(name: str) -> dict[str, np.ndarray]:
    return weights(name) | {"threshold": quarters(np.abs(generator(name + " threshold").normal(size=FEATURES)) * 6)}


def jump_relu(x: np.ndarray, w: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    w = {name: value.astype(np.float64) for name, value in w.items()}
    pre = x.astype(np.float64) @ w["W_enc"] + w["b_enc"]
    acts = np.maximum(pre, 0) * (pre > w["threshold"])
    return acts, acts @ w["W_dec"] + w["b_dec"]


def expected(acts: np.ndarray, decoded: np.ndarray, **facts: object) -> dict[str, object]:
    active = [{str(f): float(row[f]) for f in np.flatnonzero(row)} for row in np.asarray(acts, dtype=np.float64)]
    return {"active": active, "decoded": np.asarray(decoded, dtype=np.float64).tolist()} | facts


def gemma_scope(out: Path) -> dict[str, object]:
    folder = Path("gemma-scope-9b-pt-res/layer_20/width_40/average_l0_114")
    (out / folder).mkdir(parents=True)
    w = with_threshold("gemma scope")
    np.savez(out / folder / "params.npz", **w)
    return {
        str(folder): expected(*jump_relu(rows(), w), place="blocks.20.hook_resid_post", model="gemma-2-9b"),
    }


def gemma_scope_2(out: Path) -> dict[str, object]:
    folder = Path("resid_post_all/layer_17_width_40_l0_small")
    (out / folder).mkdir(parents=True)
    w = with_threshold("gemma scope 2")
    save_file({name.replace("W_", "w_"): value for name, value in w.items()}, out / folder / "params.safetensors")
    config = {
        "hf_hook_point_in": "model.layers.17.output",
        "hf_hook_point_out": "model.layers.17.output",
        "width": FEATURES,
        "model_name": "google/gemma-3-1b-it",
        "architecture": "jump_relu",
        "l0": 20,
        "affine_connection": False,
        "type": "sae",
    }
    (out / folder / "config.json").write_text(json.dumps(config))
    return {
        str(folder): expected(
            *jump_relu(rows(), w), place="blocks.17.hook_resid_post", model="google/gemma-3-1b-it"
        ),
    }


def saved_by_sae_lens(out: Path, name: str, sae: object, w: dict[str, np.ndarray]) -> dict[str, object]:
    sae.load_state_dict({key: torch.from_numpy(value) for key, value in w.items()})
    sae.save_model(out / name)
    with torch.no_grad():
        acts = sae.encode(torch.from_numpy(rows()))
        decoded = sae.decode(acts)
    return {name: expected(acts.numpy(), decoded.numpy(), place="blocks.5.hook_mlp_out", model="some-model")}


def common(**more: object) -> dict[str, object]:
    metadata = SAEMetadata(model_name="some-model", hook_name="blocks.5.hook_mlp_out", neuronpedia_id=None)
    return {"d_in": HIDDEN, "d_sae": FEATURES, "metadata": metadata} | more


def sae_lens_folders(out: Path) -> dict[str, object]:
    found = {}

    def add(name: str, sae: object, w: dict[str, np.ndarray]) -> None:
        found.update(saved_by_sae_lens(out, name, sae, w))

    standard = standard_sae.StandardSAEConfig
    add("standard", standard_sae.StandardSAE(standard(**common())), weights("standard"))
    plain = common(apply_b_dec_to_input=False, normalize_activations="layer_norm")
    add("standard-layer-norm", standard_sae.StandardSAE(standard(**plain)), weights("layer norm"))
    rescaled = common(normalize_activations="constant_norm_rescale")
    add("standard-constant-norm", standard_sae.StandardSAE(standard(**rescaled)), weights("constant norm"))
    jump = jumprelu_sae.JumpReLUSAEConfig(**common(apply_b_dec_to_input=False))
    add("jumprelu", jumprelu_sae.JumpReLUSAE(jump), with_threshold("jumprelu"))
    topk = topk_sae.TopKSAEConfig(**common(k=7))
    add("topk", topk_sae.TopKSAE(topk), weights("topk"))
    by_norm = topk_sae.TopKSAEConfig(**common(k=9, rescale_acts_by_decoder_norm=True))
    add("topk-by-norm", topk_sae.TopKSAE(by_norm), weights("topk by norm"))
    gated = weights("gated")
    random = generator("gated more")
    gated |= {
        "b_gate": gated.pop("b_enc"),
        "b_mag": quarters(random.normal(size=FEATURES)),
        "r_mag": quarters(random.normal(size=FEATURES) / 4),
    }
    add("gated", gated_sae.GatedSAE(gated_sae.GatedSAEConfig(**common())), gated)
    return found


def batch_top_k(out: Path) -> dict[str, object]:
    """A checkpoint from training, whose inference SAELens defines by what it saves for it."""
    config = batchtopk_sae.BatchTopKTrainingSAEConfig(**common(k=12, apply_b_dec_to_input=True))
    sae = batchtopk_sae.BatchTopKTrainingSAE(config)
    w = {name: torch.from_numpy(value) for name, value in weights("batchtopk").items()}
    sae.load_state_dict(w | {"topk_threshold": torch.tensor(12.0, dtype=torch.double)})
    sae.save_model(out / "batchtopk")
    sae.save_inference_model(out / "batchtopk-inference")
    inference = jumprelu_sae.JumpReLUSAE.load_from_disk(out / "batchtopk-inference")
    with torch.no_grad():
        acts = inference.encode(torch.from_numpy(rows()))
        decoded = inference.decode(acts)
    facts = {"place": "blocks.5.hook_mlp_out", "model": "some-model"}
    both = expected(acts.numpy(), decoded.numpy(), **facts)
    return {"batchtopk": both, "batchtopk-inference": both}


def main() -> None:
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "compressed").mkdir()
    np.savez_compressed(out / "compressed" / "params.npz", W_enc=weights("compressed")["W_enc"])
    folders = gemma_scope(out) | gemma_scope_2(out) | sae_lens_folders(out) | batch_top_k(out)
    versions = {"sae_lens": sae_lens.__version__, "numpy": np.__version__, "torch": torch.__version__}
    record = {"made_with": versions, "rows": rows().astype(np.float64).tolist(), "folders": folders}
    (out / "expected.json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
