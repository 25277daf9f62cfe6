//! An adapter put onto the weights of its base model.

use std::collections::BTreeMap;
use std::path::Path;

use super::names::{Meaning, Names};
use super::safetensors::Found;
use super::{Checkpoint, LowRank, StoredTensor};
use crate::adapter::{LoraConfig, MERGE, Part, WEIGHTS, require_adapter};
use crate::network::{HEAD, TABLE};
use crate::{Error, ModelConfig, Result};

/// What an adapter's file holds, by the names of the base model's modules and tensors.
#[derive(Default)]
struct Trained {
    pairs: BTreeMap<String, [Option<StoredTensor>; 2]>,
    whole: BTreeMap<String, StoredTensor>,
}

impl Checkpoint {
    /// Puts a LoRA adapter of PEFT onto the weights: a pair is added to its weight when that is read,
    /// and what was trained as a whole (`modules_to_save`) takes the place of the base model's. Tensors
    /// that it doesn't touch stay where they are. Reads no weight, but for a head that may repeat the
    /// table. To be called before [`fit`](Self::fit): fused products must still be whole.
    ///
    /// # Errors
    /// Names the key or tensor of what is not plain LoRA, does not fit the base model, or is left over.
    pub fn put_on(&mut self, folder: &Path, config: &mut ModelConfig) -> Result<()> {
        require_adapter(folder)?;
        let lora = LoraConfig::read(folder)?;
        if !config.own_head {
            self.settle_head(config)?;
        }
        let path = folder.join(WEIGHTS);
        let mut found = Vec::new();
        self.map_safetensors(path.clone(), &mut found)?;
        self.adapter = Some(self.files.len() - 1);
        let put = |checkpoint: &mut Self| {
            let trained = Trained::of(found)?;
            checkpoint.put_on_trained(trained, &lora, config)
        };
        put(self).map_err(|message| Error::file(path, message))
    }

    fn put_on_trained(
        &mut self,
        trained: Trained,
        lora: &LoraConfig,
        config: &mut ModelConfig,
    ) -> Result<(), String> {
        let modules = trained.pairs.keys().chain(trained.whole.keys());
        let names = Names::of_adapter(modules.map(String::as_str))?;
        trained.require_saved(lora)?;
        let mut changed = 0;
        for (module, pair) in trained.pairs {
            match names.meaning(&format!("{module}.weight")) {
                Meaning::Weight(name) => self.add_pair(&module, &name, pair, lora, config)?,
                // What a model sees with has no say in its texts.
                Meaning::None => continue,
                Meaning::Classifier => self.left_out.push(module),
            }
            changed += 1;
        }
        let ties = !config.own_head;
        let mut heads = Vec::new();
        for (found, tensor) in trained.whole {
            match names.meaning(&found) {
                Meaning::Weight(name) => {
                    let old = self.replace(&found, &name, tensor, lora, ties)?;
                    heads.push((name, old));
                }
                Meaning::None => continue,
                Meaning::Classifier => self.left_out.push(found),
            }
            changed += 1;
        }
        if changed == 0 {
            return Err(
                "it holds no tensor of a language model; give the folder of an adapter that was trained"
                    .to_owned(),
            );
        }
        if ties && !lora.keeps_ties {
            self.untie(heads, config);
        }
        Ok(())
    }

    /// # Errors
    /// A pair that is not whole, or does not fit the base model and the configuration.
    fn add_pair(
        &mut self,
        module: &str,
        name: &str,
        pair: [Option<StoredTensor>; 2],
        lora: &LoraConfig,
        config: &ModelConfig,
    ) -> Result<(), String> {
        let [Some(down), Some(up)] = pair else {
            return Err(format!(
                "of `{module}` there is only one of lora_A and lora_B; save the adapter again with PEFT's save_pretrained"
            ));
        };
        if name == HEAD && !config.own_head {
            return Err(format!(
                "`{module}` has LoRA, and its weight is the table of embeddings as well, which versions of PEFT treat differently; untie \
                 the base model (`tie_word_embeddings` false, with a copy of the table as `{HEAD}`), or {MERGE}"
            ));
        }
        let Some(tensor) = self.tensors.get_mut(name) else {
            return Err(format!(
                "`{module}` has LoRA, and the base model has no tensor `{name}`; give the model that the adapter was trained on{} as \
                 model.source",
                of_base(lora)
            ));
        };
        let (weight, a, b) = (&tensor.shape[..], &down.shape[..], &up.shape[..]);
        let fits = matches!((weight, a, b), ([outputs, inputs], [rank, i], [o, r]) if o == outputs && i == inputs && r == rank && *rank > 0);
        if !fits {
            return Err(format!(
                "`{module}`: lora_A {a:?} and lora_B {b:?} don't fit the base model's weight {weight:?}; give the model that the adapter \
                 was trained on{} as model.source",
                of_base(lora)
            ));
        }
        let said = lora.rank(module);
        if a[0] as f64 != said {
            return Err(format!(
                "`{module}`: lora_A has {} rows, and adapter_config.json says a rank of {said} (`r`, `rank_pattern`), by which it is \
                 scaled; does the file belong to this adapter?",
                a[0]
            ));
        }
        let scale = lora.scale(module) as f32;
        tensor.low_rank = Some(Box::new(LowRank { down, up, scale }));
        Ok(())
    }

    /// Takes a tensor in place of the base model's, and gives back what was there: nothing only of a
    /// head that is the table.
    fn replace(
        &mut self,
        found: &str,
        name: &str,
        tensor: StoredTensor,
        lora: &LoraConfig,
        ties: bool,
    ) -> Result<Option<StoredTensor>, String> {
        if found.ends_with(".bias") {
            return Err(format!(
                "`{found}` is a bias that was trained (`bias` in adapter_config.json), and only matrices are put on; {MERGE}"
            ));
        }
        let of_head = (name == HEAD && ties).then_some(TABLE);
        let Some(old) = self.tensors.get(of_head.unwrap_or(name)) else {
            return Err(format!(
                "`{found}` has no place in the base model; give the model that the adapter was trained on{} as model.source, or {MERGE}",
                of_base(lora)
            ));
        };
        if old.shape != tensor.shape {
            let is_vocabulary = [HEAD, TABLE].contains(&name) && old.shape.get(1) == tensor.shape.get(1);
            let why = if is_vocabulary {
                format!("tokens were added to the vocabulary; {MERGE}, with the adapter's tokenizer")
            } else {
                format!(
                    "give the model that the adapter was trained on{} as model.source",
                    of_base(lora)
                )
            };
            return Err(format!(
                "`{found}` has the shape {:?}, and the base model's has {:?}: {why}",
                tensor.shape, old.shape
            ));
        }
        if !lora.saves(module(found)) {
            return Err(format!(
                "`{found}` is a whole tensor, and `modules_to_save` doesn't name it; add it there if it was trained, or {MERGE}"
            ));
        }
        Ok(self.tensors.insert(name.to_owned(), tensor))
    }

    /// Where the head was the table, and one of them was trained as a whole: each is used as it is,
    /// and a head that was not trained is the old table. So does PEFT, which puts a copy of the
    /// module in the place of the one that is trained (`merge_and_unload` then sets
    /// `tie_word_embeddings` to false).
    fn untie(&mut self, replaced: Vec<(String, Option<StoredTensor>)>, config: &mut ModelConfig) {
        for (name, old) in replaced {
            if name == TABLE
                && let Some(old) = old
                && !self.tensors.contains_key(HEAD)
            {
                self.tensors.insert(HEAD.to_owned(), old);
            }
            config.own_head |= [TABLE, HEAD].contains(&name.as_str());
        }
    }
}

impl Trained {
    /// # Errors
    /// A module that the configuration says was trained as a whole, and of which there is no tensor.
    fn require_saved(&self, lora: &LoraConfig) -> Result<(), String> {
        let is_there = |ending: &&String| {
            self.whole
                .keys()
                .any(|name| module(name).ends_with(ending.as_str()))
        };
        let absent = lora.saved.iter().find(|ending| !is_there(ending));
        // Of modules that stay tied only one is stored.
        match absent.filter(|_| !lora.keeps_ties) {
            Some(ending) => Err(format!(
                "`modules_to_save` names `{ending}`, and no tensor is of it; save the adapter again with PEFT's save_pretrained"
            )),
            None => Ok(()),
        }
    }

    /// # Errors
    /// A tensor that is of something else than plain LoRA, is there twice, or of a type that is not
    /// read.
    fn of(found: Vec<Found>) -> Result<Self, String> {
        let mut trained = Trained::default();
        for tensor in found {
            let key = tensor.name.clone();
            let part = Part::of(&key).map_err(|problem| {
                format!("tensor `{key}` {problem}, and only plain LoRA is put on; {MERGE}")
            })?;
            let stored = tensor.stored()?;
            let before = match part {
                Part::Down(module) => trained.pairs.entry(module).or_default()[0].replace(stored),
                Part::Up(module) => trained.pairs.entry(module).or_default()[1].replace(stored),
                Part::Whole(name) => trained.whole.insert(name, stored),
            };
            if before.is_some() {
                return Err(format!(
                    "tensor `{key}` is there twice, under another name too; save the adapter again with PEFT's save_pretrained"
                ));
            }
        }
        Ok(trained)
    }
}

/// The module that a tensor is of.
fn module(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or(tensor, |(module, _)| module)
}

/// The base model in words, as far as the configuration names it.
fn of_base(lora: &LoraConfig) -> String {
    lora.base
        .as_ref()
        .map_or(String::new(), |base| format!(" ({base})"))
}
