"""Gemma 1 to 3. The keys of the configurations are those of the files that Google published."""
import torch

from .draw import Draw, Preset

# sqrt(hidden) times this is the embedding that enters the first layer: about 0.4, less than what a block adds. With large
# embeddings the tied head echoes the last token, whatever the blocks do, and a greedy continuation would show no mistake.
EMBED_STD = 0.06

GEMMA1 = dict(
    architectures=["GemmaForCausalLM"], attention_bias=False, attention_dropout=0.0, bos_token_id=2, eos_token_id=1,
    head_dim=16,
    # As published: "gelu" is what early files say, and the tanh form is what they mean.
    hidden_act="gelu", hidden_activation=None,
    hidden_size=48, initializer_range=0.02, intermediate_size=96, max_position_embeddings=256, model_type="gemma",
    num_attention_heads=4, num_hidden_layers=3, num_key_value_heads=1, pad_token_id=0, rms_norm_eps=1e-06,
    rope_scaling=None, rope_theta=10000.0, torch_dtype="float32", use_cache=True, vocab_size=256,
)
GEMMA2 = dict(
    architectures=["Gemma2ForCausalLM"], attention_bias=False, attention_dropout=0.0, attn_logit_softcapping=50.0,
    bos_token_id=2, cache_implementation="hybrid", eos_token_id=1, final_logit_softcapping=30.0,
    # hidden_size / num_attention_heads (10), head_dim (16) and query_pre_attn_scalar (24) all differ.
    head_dim=16, hidden_size=40, num_attention_heads=4, query_pre_attn_scalar=24,
    hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", initializer_range=0.02, intermediate_size=72,
    max_position_embeddings=256, model_type="gemma2", num_hidden_layers=4, num_key_value_heads=2, pad_token_id=0,
    rms_norm_eps=1e-06, rope_theta=10000.0, sliding_window=6, torch_dtype="float32", use_cache=True, vocab_size=256,
)
# What a published multimodal config says about its text part; the class's defaults are the rest.
GEMMA3_TEXT = dict(
    head_dim=16, hidden_size=32, intermediate_size=64, model_type="gemma3_text", num_attention_heads=4,
    num_hidden_layers=8, num_key_value_heads=2, query_pre_attn_scalar=20,
    rope_scaling=dict(factor=8.0, rope_type="linear"), sliding_window=6, vocab_size=256,
)
GEMMA3 = GEMMA3_TEXT | dict(
    architectures=["Gemma3ForCausalLM"], attention_bias=False, attention_dropout=0.0, attn_logit_softcapping=None,
    bos_token_id=2, cache_implementation="hybrid", eos_token_id=[1, 106], final_logit_softcapping=None,
    hidden_activation="gelu_pytorch_tanh", initializer_range=0.02, max_position_embeddings=256, pad_token_id=0,
    rms_norm_eps=1e-06, rope_local_base_freq=10000, rope_theta=1000000, sliding_window_pattern=6, torch_dtype="float32",
    use_cache=True,
)
VISION = dict(
    hidden_size=16, image_size=8, intermediate_size=24, model_type="siglip_vision_model", num_attention_heads=2,
    num_hidden_layers=1, patch_size=4, vision_use_head=False,
)
GEMMA3_MULTIMODAL = dict(
    architectures=["Gemma3ForConditionalGeneration"], boi_token_index=250, eoi_token_index=251, eos_token_id=[1, 106],
    image_token_index=252, initializer_range=0.02, mm_tokens_per_image=4, model_type="gemma3", text_config=GEMMA3_TEXT,
    torch_dtype="float32", vision_config=VISION,
)
# How much larger than 1/sqrt(fan_in) the entries of q_proj and k_proj are. Gemma 2's scores must pass the cap of 50. In
# Gemma 3 the norms of queries and keys decide instead (Q_K_NORM), and a gain here would be divided out.
Q_K_GAIN = {"gemma": 2.0, "gemma2": 4.1, "gemma3_text": 1.0}
Q_K_NORM = 0.9
# The standard deviation of the final logits; in Gemma 2 before the cap of 30, which some of them must pass.
LOGIT_STD = {"gemma": 6.0, "gemma2": 15.0, "gemma3_text": 6.0}


def text_tensors(config, draw):
    """The decoder, named as a checkpoint of text alone names it."""
    family, hidden, inner = config["model_type"], config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    gain = Q_K_GAIN[family]
    norms = ["input_layernorm", "post_attention_layernorm"]
    if family != "gemma":
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    tensors = {"model.embed_tokens.weight": draw.normal(config["vocab_size"], hidden) * EMBED_STD}
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        for norm in norms:
            tensors[f"{name}.{norm}.weight"] = draw.norm(hidden)
        tensors[f"{name}.self_attn.q_proj.weight"] = draw.matrix(queries, hidden, gain)
        tensors[f"{name}.self_attn.k_proj.weight"] = draw.matrix(keys, hidden, gain)
        tensors[f"{name}.self_attn.v_proj.weight"] = draw.matrix(keys, hidden)
        tensors[f"{name}.self_attn.o_proj.weight"] = draw.matrix(hidden, queries)
        if family == "gemma3_text":
            tensors[f"{name}.self_attn.q_norm.weight"] = draw.norm(config["head_dim"], Q_K_NORM)
            tensors[f"{name}.self_attn.k_norm.weight"] = draw.norm(config["head_dim"], Q_K_NORM)
        tensors[f"{name}.mlp.gate_proj.weight"] = draw.matrix(inner, hidden)
        tensors[f"{name}.mlp.up_proj.weight"] = draw.matrix(inner, hidden)
        tensors[f"{name}.mlp.down_proj.weight"] = draw.matrix(hidden, inner)
    # A logit is a sum over `hidden` products of a normed entry (order 1) with an embedding's, so the norm sets its size.
    scale = LOGIT_STD[family] / (EMBED_STD * hidden**0.5)
    tensors["model.norm.weight"] = (1 + draw.norm(hidden)) * scale - 1
    return tensors


def vision_tensors(config, draw):
    """The image encoder and its projection, named as the hub names them: a loader of text must step over these."""
    vision, text = config["vision_config"], config["text_config"]
    hidden, inner, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    tensors = {}

    def linear(name, rows, columns):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = draw.matrix(rows, columns), draw.tensor(rows)

    def layer_norm(name):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = 1 + draw.tensor(hidden), draw.tensor(hidden)

    tower = "vision_tower.vision_model"
    tensors[f"{tower}.embeddings.patch_embedding.weight"] = draw.tensor(hidden, 3, patch, patch)
    tensors[f"{tower}.embeddings.patch_embedding.bias"] = draw.tensor(hidden)
    patches = (vision["image_size"] // patch) ** 2
    tensors[f"{tower}.embeddings.position_embedding.weight"] = draw.tensor(patches, hidden)
    for index in range(vision["num_hidden_layers"]):
        name = f"{tower}.encoder.layers.{index}"
        layer_norm(f"{name}.layer_norm1")
        layer_norm(f"{name}.layer_norm2")
        for projection in ("k_proj", "v_proj", "q_proj", "out_proj"):
            linear(f"{name}.self_attn.{projection}", hidden, hidden)
        linear(f"{name}.mlp.fc1", inner, hidden)
        linear(f"{name}.mlp.fc2", hidden, inner)
    layer_norm(f"{tower}.post_layernorm")
    tensors["multi_modal_projector.mm_input_projection_weight"] = draw.matrix(hidden, text["hidden_size"])
    tensors["multi_modal_projector.mm_soft_emb_norm.weight"] = draw.norm(hidden)
    return tensors


def multimodal_tensors(config, seed):
    """Named as google/gemma-3-4b-it names them."""
    # The text part comes first and alone from the seed, so it is gemma3-nano's to the bit.
    text = text_tensors(config["text_config"], Draw(seed))
    vision = vision_tensors(config, Draw(seed + 1))
    return {f"language_model.{name}": tensor for name, tensor in text.items()} | vision


def renamed(tensors):
    """The multimodal tensors, named as the module tree of transformers since 4.52 names them."""
    prefix = "language_model.model."
    return {
        f"model.language_model.{name.removeprefix(prefix)}" if name.startswith(prefix) else f"model.{name}": tensor
        for name, tensor in tensors.items()
    }


def preset(config, end_tokens, tensors=lambda config, seed: text_tensors(config, Draw(seed))):
    generation = dict(bos_token_id=2, eos_token_id=end_tokens, pad_token_id=0)
    return Preset(config, generation, tensors, seed=35, dtype=torch.float32)


PRESETS = {
    "gemma1-nano": preset(GEMMA1, 1),
    "gemma2-odd": preset(GEMMA2, [1, 107]),
    "gemma3-nano": preset(GEMMA3, [1, 106]),
    "gemma3-multimodal-nano": preset(GEMMA3_MULTIMODAL, [1, 106], multimodal_tensors),
}
