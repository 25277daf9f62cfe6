"""The configurations of llama.py, with the keys of the files that were published: Llama 2 and 3, Mistral, Qwen 2.5 and 3,
OLMo 2 and 3, Phi 3 and 4, SmolLM3, Seed-OSS. Sizes that are often equal differ wherever the architecture lets them."""

SHARED = dict(
    attention_dropout=0.0, hidden_act="silu", initializer_range=0.02, torch_dtype="bfloat16", use_cache=True,
    num_hidden_layers=3, vocab_size=160,
)
LLAMA = SHARED | dict(architectures=["LlamaForCausalLM"], model_type="llama", pretraining_tp=1, rms_norm_eps=1e-05)
# Without rope_theta and head_dim, as in Llama 2.
LLAMA2 = LLAMA | dict(
    attention_bias=False, bos_token_id=1, eos_token_id=2, hidden_size=36, intermediate_size=76,
    max_position_embeddings=4096, num_attention_heads=3, num_key_value_heads=3, rope_scaling=None,
    tie_word_embeddings=False,
)
LLAMA3 = LLAMA | dict(
    attention_bias=False, bos_token_id=150, eos_token_id=[151, 153, 154], head_dim=16, hidden_size=32,
    intermediate_size=72, max_position_embeddings=512, mlp_bias=False, num_attention_heads=4, num_key_value_heads=2,
    # Of the wavelengths 6.3, 32, 167, ... the first stays (below 64 / 4), the second is between, the others are stretched
    # (above 64 / 1).
    rope_scaling=dict(
        factor=8.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=64, rope_type="llama3",
    ),
    rope_theta=500000.0, tie_word_embeddings=True,
)
LLAMA_BIASES = LLAMA | dict(
    attention_bias=True, bos_token_id=1, eos_token_id=2, head_dim=12, hidden_size=32, intermediate_size=72,
    max_position_embeddings=1024, mlp_bias=True, num_attention_heads=4, num_key_value_heads=1,
    # The key is "type" in files from before 2024.
    rope_scaling=dict(factor=4.0, type="linear"), rope_theta=10000.0, tie_word_embeddings=False,
)
LLAMA_YARN = LLAMA | dict(
    attention_bias=False, bos_token_id=1, eos_token_id=2, head_dim=16, hidden_size=36, intermediate_size=60,
    max_position_embeddings=2048, mlp_bias=False, num_attention_heads=3, num_key_value_heads=1,
    # Of the eight frequencies, the first three stay, two are between, and three are divided by the factor.
    rope_scaling=dict(
        beta_fast=8.0, beta_slow=1.0, factor=8.0, original_max_position_embeddings=256, rope_type="yarn",
    ),
    rope_theta=500.0, tie_word_embeddings=False,
)
MISTRAL = SHARED | dict(
    architectures=["MistralForCausalLM"], bos_token_id=1, eos_token_id=2, head_dim=16, hidden_size=40,
    intermediate_size=52, max_position_embeddings=32768, model_type="mistral", num_attention_heads=4,
    num_key_value_heads=2, rms_norm_eps=1e-05, rope_theta=1000000.0, sliding_window=6, tie_word_embeddings=False,
    vocab_size=144,
)
QWEN2 = SHARED | dict(
    architectures=["Qwen2ForCausalLM"], bos_token_id=153, eos_token_id=155, max_position_embeddings=32768,
    model_type="qwen2", rms_norm_eps=1e-06, rope_theta=1000000.0,
)
# Published with a window that is not used; here it is small enough to show where it is.
QWEN2_NANO = QWEN2 | dict(
    hidden_size=48, intermediate_size=56, max_window_layers=1, num_attention_heads=4, num_key_value_heads=2,
    sliding_window=6, tie_word_embeddings=True, use_sliding_window=False,
)
QWEN2_WINDOW = QWEN2 | dict(
    hidden_size=36, intermediate_size=56, max_window_layers=1, num_attention_heads=3, num_hidden_layers=4,
    num_key_value_heads=1, sliding_window=6, tie_word_embeddings=False, use_sliding_window=True,
)
QWEN3 = SHARED | dict(
    architectures=["Qwen3ForCausalLM"], attention_bias=False, bos_token_id=153, eos_token_id=155, head_dim=16,
    hidden_size=32, intermediate_size=72, max_position_embeddings=40960, max_window_layers=3, model_type="qwen3",
    num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-06, rope_scaling=None, rope_theta=1000000.0,
    sliding_window=None, tie_word_embeddings=False, use_sliding_window=False,
)
OLMO2 = SHARED | dict(
    architectures=["Olmo2ForCausalLM"], attention_bias=False, eos_token_id=157, hidden_size=36, intermediate_size=60,
    max_position_embeddings=4096, model_type="olmo2", num_attention_heads=3, num_hidden_layers=4, num_key_value_heads=1,
    pad_token_id=158, rms_norm_eps=1e-06, rope_scaling=None, rope_theta=500000, tie_word_embeddings=False,
)
# The scaling is for the full-attention layers alone: of six frequencies the first stays, the second is between, and four are
# divided. transformers 5.24 takes no other rope_theta than 500000 in sliding layers.
OLMO3 = OLMO2 | dict(
    architectures=["Olmo3ForCausalLM"],
    layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
    max_position_embeddings=2048, model_type="olmo3",
    rope_scaling=dict(
        attention_factor=1.25, beta_fast=12, beta_slow=1, factor=8.0, original_max_position_embeddings=256,
        rope_type="yarn",
    ),
    sliding_window=6,
)
PHI3 = SHARED | dict(
    architectures=["Phi3ForCausalLM"], attention_bias=False, embd_pdrop=0.0, hidden_size=48,
    max_position_embeddings=4096, model_type="phi3", num_attention_heads=3, num_key_value_heads=1,
    original_max_position_embeddings=4096, partial_rotary_factor=0.75, resid_pdrop=0.0, rms_norm_eps=1e-05,
    rope_scaling=None, rope_theta=10000.0,
)
PHI3_NANO = PHI3 | dict(
    bos_token_id=1, eos_token_id=140, intermediate_size=52, pad_token_id=140, sliding_window=6,
    tie_word_embeddings=False, vocab_size=144,
)
# 16 of a head's dimensions, of which 12 are turned: six factors. The longest sequence of the tests is below 128, so the
# short factors count; the attention factor, sqrt(1 + ln(1024 / 128) / ln 128), counts always.
PHI3_LONGROPE = PHI3 | dict(
    bos_token_id=159, eos_token_id=159, full_attn_mod=1, intermediate_size=60, interpolate_factor=1, lm_head_bias=False,
    max_position_embeddings=1024, mlp_bias=False, original_max_position_embeddings=128, pad_token_id=159,
    rope_scaling=dict(
        long_factor=[1.0, 1.5, 2.5, 6.0, 12.0, 20.0], short_factor=[1.0, 1.25, 1.5, 2.0, 2.5, 3.0], type="longrope",
    ),
    sliding_window=262144, tie_word_embeddings=True,
)
SMOLLM3 = SHARED | dict(
    architectures=["SmolLM3ForCausalLM"], attention_bias=False, bos_token_id=150, eos_token_id=152, hidden_size=36,
    intermediate_size=52, max_position_embeddings=65536, max_window_layers=28, mlp_bias=False, model_type="smollm3",
    # The list counts, not the interval: layers 1 and 4 have no rotary embedding.
    no_rope_layer_interval=4, no_rope_layers=[1, 0, 1, 1, 0], num_attention_heads=3, num_hidden_layers=5,
    num_key_value_heads=1, pad_token_id=154, pretraining_tp=2, rms_norm_eps=1e-06, rope_scaling=None,
    rope_theta=5000000.0, sliding_window=None, use_sliding_window=False,
)
SEED_OSS = SHARED | dict(
    architectures=["SeedOssForCausalLM"], attention_bias=True, attention_out_bias=False, bos_token_id=0, eos_token_id=2,
    head_dim=16, hidden_size=40, intermediate_size=52, max_position_embeddings=524288, mlp_bias=False,
    model_type="seed_oss", num_attention_heads=4, num_key_value_heads=2, pad_token_id=1, residual_dropout=0.1,
    rms_norm_eps=1e-06, rope_scaling=dict(rope_type="default"), rope_theta=10000000.0, tie_word_embeddings=False,
    vocab_size=144,
)
