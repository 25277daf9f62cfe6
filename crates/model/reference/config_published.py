"""config.json files of published models as they are on the hub, for make_config_fixtures.py."""

SILU = dict(hidden_act="silu", initializer_range=0.02, torch_dtype="bfloat16", transformers_version="4.40.0", use_cache=True)
LLAMA = dict(SILU, architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=False, attention_dropout=0.0, mlp_bias=False,
             pretraining_tp=1, rms_norm_eps=1e-5, tie_word_embeddings=False)
QWEN = dict(SILU, attention_dropout=0.0, bos_token_id=151643, eos_token_id=151645, rms_norm_eps=1e-6, rope_theta=1000000.0,
            use_sliding_window=False)
MISTRAL = dict(
    SILU, architectures=["MistralForCausalLM"], model_type="mistral", attention_dropout=0.0, bos_token_id=1, eos_token_id=2, hidden_size=4096,
    intermediate_size=14336, max_position_embeddings=32768, num_attention_heads=32, num_hidden_layers=32, num_key_value_heads=8,
    rms_norm_eps=1e-5, rope_theta=1000000.0, sliding_window=None, tie_word_embeddings=False, vocab_size=32768,
)
PHI = dict(
    SILU, architectures=["Phi3ForCausalLM"], model_type="phi3", attention_bias=False, attention_dropout=0.0, embd_pdrop=0.0, resid_pdrop=0.0,
    auto_map={"AutoConfig": "configuration_phi3.Phi3Config", "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"}, rms_norm_eps=1e-5,
    rope_theta=10000.0, tie_word_embeddings=False,
)


def published():
    yield from llamas()
    yield from mistrals()
    yield from qwens()
    yield from olmos()
    yield from phis()
    yield from smollm3()
    yield from gemma4()


def llamas():
    scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}
    third = dict(LLAMA, bos_token_id=128000, eos_token_id=[128001, 128008, 128009], max_position_embeddings=131072, num_key_value_heads=8,
                 num_attention_heads=32, rope_theta=500000.0, vocab_size=128256)
    yield "meta-llama/Llama-3.1-8B-Instruct", third | dict(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, rope_scaling=scaling)
    yield "meta-llama/Llama-3.2-1B-Instruct", third | dict(
        head_dim=64, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, rope_scaling=scaling | {"factor": 32.0},
        tie_word_embeddings=True)
    yield "meta-llama/Meta-Llama-3-8B-Instruct", third | dict(
        eos_token_id=128009, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, rope_scaling=None, max_position_embeddings=8192)
    yield "meta-llama/Llama-2-7b-chat-hf", dict(
        SILU, architectures=["LlamaForCausalLM"], model_type="llama", _name_or_path="meta-llama/Llama-2-7b-chat-hf", bos_token_id=1, eos_token_id=2,
        hidden_size=4096, intermediate_size=11008, max_position_embeddings=4096, num_attention_heads=32, num_hidden_layers=32,
        num_key_value_heads=32, pretraining_tp=1, rms_norm_eps=1e-5, rope_scaling=None, tie_word_embeddings=False, torch_dtype="float16",
        vocab_size=32000)
    yield "TinyLlama/TinyLlama-1.1B-Chat-v1.0", LLAMA | dict(
        bos_token_id=1, eos_token_id=2, hidden_size=2048, intermediate_size=5632, max_position_embeddings=2048, num_attention_heads=32,
        num_hidden_layers=22, num_key_value_heads=4, rope_scaling=None, rope_theta=10000.0, vocab_size=32000)
    yield "HuggingFaceTB/SmolLM2-135M-Instruct", LLAMA | {
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "hidden_size": 576, "initializer_range": 0.041666666666666664,
        "intermediate_size": 1536, "is_llama_config": True, "max_position_embeddings": 8192, "num_attention_heads": 9, "num_hidden_layers": 30,
        "num_key_value_heads": 3, "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000, "tie_word_embeddings": True,
        "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16", "fp16": "float16"}}, "vocab_size": 49152}


def mistrals():
    yield "mistralai/Mistral-7B-Instruct-v0.1", MISTRAL | dict(rope_theta=10000.0, sliding_window=4096, vocab_size=32000)
    yield "mistralai/Mistral-7B-Instruct-v0.3", MISTRAL
    yield "mistralai/Mistral-Nemo-Instruct-2407", MISTRAL | dict(
        head_dim=128, hidden_size=5120, max_position_embeddings=131072, num_hidden_layers=40, vocab_size=131072)


def qwens():
    second = dict(QWEN, architectures=["Qwen2ForCausalLM"], model_type="qwen2", max_position_embeddings=32768)
    yield "Qwen/Qwen2.5-0.5B-Instruct", second | dict(
        hidden_size=896, intermediate_size=4864, max_window_layers=21, num_attention_heads=14, num_hidden_layers=24, num_key_value_heads=2,
        sliding_window=32768, tie_word_embeddings=True, vocab_size=151936)
    seven = second | dict(
        hidden_size=3584, intermediate_size=18944, max_window_layers=28, num_attention_heads=28, num_hidden_layers=28, num_key_value_heads=4,
        sliding_window=131072, tie_word_embeddings=False, vocab_size=152064)
    yield "Qwen/Qwen2.5-7B-Instruct", seven
    yield "Qwen/Qwen2.5-7B-Instruct with its card's YaRN", seven | dict(
        rope_scaling={"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"})
    third = dict(QWEN, architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=False, head_dim=128, max_position_embeddings=40960,
                 rope_scaling=None, rope_theta=1000000, sliding_window=None, num_key_value_heads=8, vocab_size=151936)
    yield "Qwen/Qwen3-0.6B", third | dict(
        hidden_size=1024, intermediate_size=3072, max_window_layers=28, num_attention_heads=16, num_hidden_layers=28, tie_word_embeddings=True)
    yield "Qwen/Qwen3-8B", third | dict(
        hidden_size=4096, intermediate_size=12288, max_window_layers=36, num_attention_heads=32, num_hidden_layers=36, tie_word_embeddings=False)


def olmos():
    yield "allenai/OLMo-2-1124-7B-Instruct", dict(
        SILU, architectures=["Olmo2ForCausalLM"], model_type="olmo2", attention_bias=False, attention_dropout=0.0, bos_token_id=100257,
        eos_token_id=100257, hidden_size=4096, intermediate_size=11008, max_position_embeddings=4096, num_attention_heads=32,
        num_hidden_layers=32, num_key_value_heads=32, pad_token_id=100277, rms_norm_eps=1e-6, rope_scaling=None, rope_theta=500000,
        tie_word_embeddings=False, vocab_size=100352)
    yield "allenai/Olmo-3-7B-Instruct", dict(
        SILU, architectures=["Olmo3ForCausalLM"], model_type="olmo3", attention_bias=False, attention_dropout=0.0, eos_token_id=100257,
        hidden_size=4096, intermediate_size=11008, layer_types=(["sliding_attention"] * 3 + ["full_attention"]) * 8,
        max_position_embeddings=65536, num_attention_heads=32, num_hidden_layers=32, num_key_value_heads=32, pad_token_id=100277,
        rms_norm_eps=1e-6, rope_theta=500000, sliding_window=4096, tie_word_embeddings=False, vocab_size=100278,
        rope_scaling={"attention_factor": 1.2079441541679836, "beta_fast": 32.0, "beta_slow": 1.0, "factor": 8.0,
                      "original_max_position_embeddings": 8192, "rope_type": "yarn"})


def phis():
    mini = PHI | dict(hidden_size=3072, intermediate_size=8192, num_attention_heads=32, num_hidden_layers=32, num_key_value_heads=32, bos_token_id=1,
                      eos_token_id=32000, pad_token_id=32000, original_max_position_embeddings=4096, vocab_size=32064)
    yield "microsoft/Phi-3-mini-4k-instruct", mini | dict(max_position_embeddings=4096, rope_scaling=None, sliding_window=2047)
    longrope = {"long_factor": [1.1 + pair for pair in range(48)], "short_factor": [1.0 + pair / 16 for pair in range(48)], "type": "longrope"}
    yield "microsoft/Phi-3.5-mini-instruct", mini | dict(max_position_embeddings=131072, rope_scaling=longrope, sliding_window=262144)
    yield "microsoft/Phi-3-mini-128k-instruct in its first version", mini | dict(
        max_position_embeddings=131072, rope_scaling=longrope | {"type": "su"}, sliding_window=262144)
    yield "microsoft/phi-4", without_auto_map(PHI) | dict(
        hidden_size=5120, intermediate_size=17920, max_position_embeddings=16384, num_attention_heads=40, num_hidden_layers=40,
        num_key_value_heads=10, bos_token_id=100257, eos_token_id=100265, pad_token_id=100349, original_max_position_embeddings=16384,
        rope_scaling=None, rope_theta=250000, sliding_window=None, vocab_size=100352)
    yield "microsoft/Phi-4-mini-instruct", PHI | dict(
        hidden_size=3072, intermediate_size=8192, max_position_embeddings=131072, num_attention_heads=24, num_hidden_layers=32,
        num_key_value_heads=8, bos_token_id=199999, eos_token_id=199999, pad_token_id=199999, original_max_position_embeddings=4096,
        full_attn_mod=1, interpolate_factor=1, lm_head_bias=False, mlp_bias=False, partial_rotary_factor=0.75, rope_theta=10000.0,
        sliding_window=262144, tie_word_embeddings=True, vocab_size=200064, rope_scaling=longrope)


def without_auto_map(keys):
    return {key: value for key, value in keys.items() if key != "auto_map"}


def smollm3():
    yield "HuggingFaceTB/SmolLM3-3B", dict(
        SILU, architectures=["SmolLM3ForCausalLM"], model_type="smollm3", attention_bias=False, attention_dropout=0.0, bos_token_id=None,
        eos_token_id=128012, hidden_size=2048, intermediate_size=11008, layer_types=["full_attention"] * 36, max_position_embeddings=65536,
        max_window_layers=28, mlp_bias=False, no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0] * 9, num_attention_heads=16,
        num_hidden_layers=36, num_key_value_heads=4, pad_token_id=128004, pretraining_tp=2, rms_norm_eps=1e-6, rope_scaling=None,
        rope_theta=5000000.0, sliding_window=None, use_sliding_window=False, vocab_size=128256)


def gemma4():
    ropes = {
        "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional"},
        "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
    }
    text = dict(
        model_type="gemma4_text", attention_bias=False, attention_dropout=0.0, attention_k_eq_v=False, bos_token_id=2, dtype="bfloat16",
        enable_moe_block=False, eos_token_id=1, final_logit_softcapping=30.0, global_head_dim=512, head_dim=256,
        hidden_activation="gelu_pytorch_tanh", initializer_range=0.02, max_position_embeddings=131072, moe_intermediate_size=None,
        num_experts=None, num_global_key_value_heads=None, pad_token_id=0, rms_norm_eps=1e-6, rope_parameters=ropes, tie_word_embeddings=True,
        top_k_experts=None, use_bidirectional_attention=None, use_cache=True, vocab_size=262144, vocab_size_per_layer_input=262144,
    )

    def parts(text):
        return dict(
            architectures=["Gemma4ForConditionalGeneration"], model_type="gemma4", audio_config=None, audio_token_id=258881, boa_token_id=256000,
            boi_token_id=255999, dtype="bfloat16", eoa_token_id=258883, eoa_token_index=258883, eoi_token_id=258882, eos_token_id=[1, 106],
            image_token_id=258880, initializer_range=0.02, text_config=text, tie_word_embeddings=True, transformers_version="5.5.0.dev0",
            video_token_id=258884, vision_config=None, vision_soft_tokens_per_image=280)

    def kinds(pattern, count):
        return (["sliding_attention"] * pattern + ["full_attention"]) * (count // (pattern + 1))
    yield "google/gemma-4-E2B-it", parts(text | dict(
        hidden_size=1536, hidden_size_per_layer_input=256, intermediate_size=6144, layer_types=kinds(4, 35), num_attention_heads=8,
        num_hidden_layers=35, num_key_value_heads=1, num_kv_shared_layers=20, sliding_window=512, use_double_wide_mlp=True))
    yield "google/gemma-4-E4B-it", parts(text | dict(
        hidden_size=2560, hidden_size_per_layer_input=256, intermediate_size=10240, layer_types=kinds(5, 42), num_attention_heads=8,
        num_hidden_layers=42, num_key_value_heads=2, num_kv_shared_layers=18, sliding_window=512, use_double_wide_mlp=False))
    yield "google/gemma-4-31B-it", parts(text | dict(
        attention_k_eq_v=True, hidden_size=5376, hidden_size_per_layer_input=0, intermediate_size=21504, layer_types=kinds(5, 60),
        max_position_embeddings=262144, num_attention_heads=32, num_global_key_value_heads=4, num_hidden_layers=60, num_key_value_heads=16,
        num_kv_shared_layers=0, sliding_window=1024, use_bidirectional_attention="vision", use_double_wide_mlp=False))
