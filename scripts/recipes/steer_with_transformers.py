import pandas as pd
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("data/tiny", dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained("data/tiny")
layer, coefficient = 3, -0.65
vector = load_file("results/tiny/analyze/contrast.safetensors")["contrast"][layer]
# Row `layer` is the output of decoder layer `layer`, and is added there, at every position.
model.model.layers[layer].register_forward_hook(lambda module, inputs, output: output + coefficient * vector)
prompts = pd.read_parquet("results/tiny/extract/prompts.parquet").query("condition == 'normal'")
for row in prompts.itertuples():
    tokens = torch.tensor([list(row.token_ids)])
    texts = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False, max_new_tokens=48)
    print(row.prompt_id, tokenizer.decode(texts[0, tokens.shape[1]:]).strip(), sep="\t")
