//! Models in several files, as `gguf-split` of llama.cpp cuts them (tools/gguf-split and
//! llama_split_path there).

use std::fmt;

use crate::file::GgufFile;

/// What a part says about itself in its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// From 0.
    pub number: usize,
    /// How many parts there are: 2 or more.
    pub count: usize,
    /// How many tensors all parts have together.
    pub tensors: Option<usize>,
}

/// The name of a part's file, which tells the names of the others: `name-00001-of-00003.gguf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartName {
    prefix: String,
    /// From 1.
    pub number: usize,
    /// How many parts there are.
    pub count: usize,
}

impl PartName {
    /// `None` for a name of another form.
    pub fn parse(file_name: &str) -> Option<Self> {
        let (rest, count) = file_name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
        let (prefix, number) = rest.rsplit_once('-')?;
        let name = PartName {
            prefix: prefix.to_owned(),
            number: number.parse().ok()?,
            count: count.parse().ok()?,
        };
        (name.to_string() == file_name).then_some(name)
    }

    /// The name of another part of the same model.
    pub fn with_number(&self, number: usize) -> Self {
        PartName {
            number,
            ..self.clone()
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartName {
            prefix,
            number,
            count,
        } = self;
        write!(formatter, "{prefix}-{number:05}-of-{count:05}.gguf")
    }
}

impl GgufFile {
    /// `None` for a file that is whole.
    pub fn split(&self) -> Result<Option<Split>, String> {
        let metadata = self.metadata();
        let Some(count) = metadata.count("split.count")?.filter(|count| *count > 1) else {
            return Ok(None);
        };
        let number = metadata.count("split.no")?;
        let number = number.filter(|number| *number < count).ok_or_else(|| {
            format!("`split.no` must be a number below `split.count` ({count}); download the file again")
        })?;
        Ok(Some(Split {
            number,
            count,
            tensors: metadata.count("split.tensors.count")?,
        }))
    }

    /// Adds the tensors of the next part, whose metadata is left alone: the first part has that of
    /// the model.
    ///
    /// # Errors
    /// Names a tensor that an earlier part has too, or says that this is not the next part.
    pub fn join(&mut self, next: GgufFile) -> Result<(), String> {
        let expected = self.split()?.map(|split| (self.parts, split.count));
        let found = next.split()?.map(|split| (split.number, split.count));
        if found != expected {
            return Err(match (found, expected) {
                (Some((number, count)), Some((wanted, all))) => format!(
                    "the file says that it is part {} of {count}, not part {} of {all} as its name does; download all parts again",
                    number + 1,
                    wanted + 1
                ),
                _ => {
                    "the file does not say that it is a part of a model; download all parts again".to_owned()
                }
            });
        }
        for mut tensor in next.tensors {
            tensor.part = self.parts;
            if self
                .places
                .insert(tensor.name.clone(), self.tensors.len())
                .is_some()
            {
                return Err(format!(
                    "tensor `{}` is in an earlier part too; download all parts again",
                    tensor.name
                ));
            }
            self.tensors.push(tensor);
        }
        self.parts += 1;
        Ok(())
    }
}
