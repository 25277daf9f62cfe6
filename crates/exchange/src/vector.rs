use pipeline::VectorKind;
use results::{ContrastVectors, Metadata};

/// One vector for each layer, or for some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// Such as `contrast`.
    pub name: String,
    pub hidden_size: usize,
    /// By layer; the row of layer `l` belongs to the residual stream after decoder layer `l`,
    /// 0-based.
    pub rows: Vec<Option<Vec<f32>>>,
}

/// What a vector was made of: for the metadata of files.
#[derive(Clone, Debug, Default)]
pub struct Origin(pub Metadata);

impl Vector {
    /// A vector of the analysis; none where it has no such name.
    pub fn of(vectors: &ContrastVectors, name: &str) -> Option<Self> {
        let rows: Vec<Option<Vec<f32>>> = (0..vectors.layers)
            .map(|layer| vectors.get(name, layer).map(<[f32]>::to_vec))
            .collect();
        rows.iter().any(Option::is_some).then(|| Vector {
            name: name.to_owned(),
            hidden_size: vectors.hidden_size,
            rows,
        })
    }

    /// The layers that have a vector, and these.
    pub fn present(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(layer, row)| row.as_deref().map(|row| (layer, row)))
    }

    /// `[layers, hidden]`, with zeros where a layer has none.
    pub fn matrix(&self) -> Vec<f32> {
        let none = vec![0.0; self.hidden_size];
        let rows = self.rows.iter().map(|row| row.as_deref().unwrap_or(&none));
        rows.flatten().copied().collect()
    }
}

impl Origin {
    /// Of a vector of the analysis. Those of others were not made from the run's conditions.
    pub fn of(vectors: &ContrastVectors, name: &str) -> Self {
        let is_ours = !matches!(
            VectorKind::parse(name),
            Some(VectorKind::Imported(_) | VectorKind::Feature(..))
        );
        let of_conditions = ["positive", "negative", "pooling"];
        let entries = vectors.metadata.iter();
        let kept = entries.filter(|(key, _)| is_ours || !of_conditions.contains(key));
        Origin(kept.fold(Metadata::default(), |all, (key, value)| all.with(key, value)))
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    /// What files say about it, under our own names.
    pub fn entries(&self) -> Vec<(String, String)> {
        let keys = [
            "model_name",
            "model_source",
            "model_adapter",
            "model_type",
            "model_fingerprint",
            "positive",
            "negative",
            "pooling",
            "roleswap_version",
        ];
        let known = keys.iter().filter_map(|key| Some((*key, self.get(key)?)));
        let fixed = [("hook", "hook_resid_post"), ("unit", "as measured, not normed")];
        let all = known.chain(fixed);
        all.map(|(key, value)| (format!("roleswap.{key}"), value.to_owned()))
            .collect()
    }
}
