use analyze::ConditionSums;
use anyhow::{Context, Result, anyhow, bail};
use extract::{Wanted, capture, pooled_position};
use model::{Batch, GenerationRequest, ModelFiles, Network, ResidualTap, generate, open_device};
use pipeline::Pipeline;
use results::{
    Activation, ActivationWriter, CERTIFICATE_FORMAT, Certificate, DoseEffect, DoseSummary, DoseText,
    Generation, HeldOutText, Layout, LensToken, Metadata, RenderedPrompt, Table, Verdict, write_certificate,
    write_dose_summary,
};
use serde_json::{Value, json};
use session::OpenModel;
use session::OpenNetwork;
use steer::Steer;
use terms::{Device, DeviceKind, FinishReason, GenerationStyle, Stage};

use crate::limits::Limits;
use crate::measure::{Measured, measure};
use crate::settings::Settings;
use crate::workload::{Workload, interventions, requests, steering_layer, tokens};

/// Measures everything; the result is what is printed.
pub fn run(settings: &Settings) -> Result<Value> {
    let pipeline = Pipeline::read("pipelines/tiny.toml".as_ref(), &[])?;
    let files = ModelFiles::at(&settings.checkpoint)?;
    let (mut config, checkpoint) = files.network()?;
    // Every text gets its full length.
    config.end_tokens.clear();
    let kind = device_kind()?;
    let device = open_device(kind)?;
    let arithmetic = model::arithmetic_of(&device);
    let precision = session::precision_on(kind, settings.dtype, checkpoint.stored_precision(), arithmetic)?;
    check_memory(
        settings,
        Network::loaded_size(&checkpoint, &device, precision),
        kind,
    )?;
    let workload = Workload::of(&files, config.vocab_size, &pipeline)?;
    let mut parts = Vec::new();
    let (loaded, network) = measure("load", 1, || {
        Ok(Network::load(
            &config,
            &checkpoint,
            &device,
            precision,
            &mut |_| (),
        )?)
    })?;
    parts.push(loaded);
    let Workload {
        prompts,
        tokenizer,
        format,
    } = workload;
    let model = OpenModel {
        network: OpenNetwork::Resident(Box::new(network.context("the model was not loaded")?)),
        tokenizer,
        fingerprint: String::new(),
        weights_fingerprint: String::new(),
        device: kind,
        gpu: None,
        precision,
    };
    let limits = match kind {
        DeviceKind::Cpu => Limits::measure(&model.network, &checkpoint, precision),
        DeviceKind::Gpu(..) => Limits::of_device(model.resident()?, precision)?,
    };
    let bench = Bench {
        settings,
        pipeline,
        model,
        prompts,
        format,
        limits,
    };
    let layers = bench.extraction(&mut parts)?;
    let layer_norms: Vec<f64> = layers.iter().map(|rows| mean_norm(rows)).collect();
    bench.generation(&layers, &mut parts)?;
    bench.tables(layers, &mut parts)?;
    Ok(bench.result(&parts, &layer_norms))
}

/// The best device of this machine, or the one that `ROLESWAP_DEVICE` names.
fn device_kind() -> Result<DeviceKind> {
    let named = std::env::var("ROLESWAP_DEVICE");
    let device: Device = match &named {
        Ok(name) => name
            .parse()
            .map_err(|error: String| anyhow!("ROLESWAP_DEVICE: {error}"))?,
        Err(_) => Device::Auto,
    };
    Ok(device.decided(session::present_device))
}

/// A model that is read from the disk again and again says nothing about the processor.
fn check_memory(settings: &Settings, needed: usize, kind: DeviceKind) -> Result<()> {
    let free = machine::available_memory().filter(|_| kind == DeviceKind::Cpu);
    match free {
        Some(free) if needed > free => bail!(
            "{}: the weights take {:.1} GB, and {:.1} GB of memory are free; end other programs, or measure a smaller model",
            settings.checkpoint.display(),
            needed as f64 / 1e9,
            free as f64 / 1e9
        ),
        _ => Ok(()),
    }
}

/// The mean length of a layer's vectors: two programs that do the same work agree on it.
fn mean_norm(rows: &[Activation]) -> f64 {
    let norm = |row: &Activation| {
        let squares = row.activation.iter().map(|value| f64::from(*value).powi(2));
        squares.sum::<f64>().sqrt()
    };
    rows.iter().map(norm).sum::<f64>() / rows.len() as f64
}

struct Bench<'a> {
    settings: &'a Settings,
    pipeline: Pipeline,
    model: OpenModel,
    prompts: Vec<RenderedPrompt>,
    format: String,
    limits: Limits,
}

impl Bench<'_> {
    fn extraction(&self, parts: &mut Vec<Measured>) -> Result<Vec<Vec<Activation>>> {
        let pooling = self.pipeline.contrast.pooling;
        let (mut measured, layers) = measure("extract", self.settings.repeat, || {
            capture(&self.model, &self.prompts, &[pooling])
        })?;
        let rows: Vec<Vec<u32>> = self.prompts.iter().map(tokens).collect();
        let tokens: usize = rows.iter().map(Vec::len).sum();
        measured.tokens_per_second = Some(tokens as f64 / measured.seconds);
        let computed = Batch::of(&rows)?.len();
        measured.fraction_of_limit = Some(self.limits.layers(computed) / measured.seconds);
        parts.push(measured);
        layers.context("nothing was captured")
    }

    /// Texts of several rows, plain and steered, and those of the notebook.
    fn generation(&self, layers: &[Vec<Activation>], parts: &mut Vec<Measured>) -> Result<()> {
        let layer = steering_layer(layers.len());
        let contrast = self.contrast(&layers[layer]);
        let config = self.model.network.config();
        let steer = |rows: usize, coefficients: &[f64]| {
            let interventions = interventions(rows, layer, &contrast, coefficients);
            let device = self.model.resident()?.device();
            Steer::new(&interventions, config.layers.len(), config.hidden_size, &device)
        };
        let requests =
            |prompts: &[RenderedPrompt], rows: usize| requests(prompts, rows, self.settings.greedy);
        let many: &[usize] = match self.model.device {
            DeviceKind::Cpu => &[1, 12, 48],
            DeviceKind::Gpu(..) => &[1, 12, 48, 256],
        };
        for rows in many.iter().copied() {
            self.decode(
                &format!("decode {rows}"),
                &requests(&self.prompts, rows),
                &mut (),
                parts,
            )?;
        }
        let signs: Vec<f64> = (0..12).map(|row| if row < 6 { -3.0 } else { 3.0 }).collect();
        let normal = &self.prompts[..self.prompts.len() / 2];
        self.decode("steer 12", &requests(normal, 12), &mut steer(12, &signs)?, parts)?;
        self.decode(
            "steer 48",
            &requests(&self.prompts, 48),
            &mut steer(48, &[])?,
            parts,
        )?;
        // Six swapped texts, the same with suppressed tokens, and twelve steered ones.
        let (mut swapped, steered) = (requests(&self.prompts[normal.len()..], 12), requests(normal, 12));
        let tokenizer = &self.model.tokenizer;
        let suppressed = [tokenizer.token_id("\n\n"), tokenizer.end_of_turn()];
        for request in &mut swapped[6..] {
            let known = |id: &u32| (*id as usize) < config.vocab_size;
            request.sampling.suppress = suppressed.into_iter().flatten().filter(known).collect();
        }
        let coefficients = [vec![0.0; 12], signs].concat();
        self.decode(
            "notebook 24",
            &[swapped, steered].concat(),
            &mut steer(24, &coefficients)?,
            parts,
        )
    }

    /// Whole texts, and the prompts alone: their difference is the time of the later tokens.
    fn decode(
        &self,
        name: &str,
        requests: &[GenerationRequest],
        tap: &mut dyn ResidualTap,
        parts: &mut Vec<Measured>,
    ) -> Result<()> {
        let network = self.model.resident()?;
        let (rows, new_tokens) = (requests.len(), self.settings.new_tokens);
        let mut texts = |name: &str, tokens: usize| {
            measure(name, self.settings.repeat, || {
                Ok(generate(network, requests, tokens, tap, &mut |_| ())?)
            })
        };
        let (mut prefill, _) = texts(&format!("{name}: prompts"), 1)?;
        let (mut whole, generated) = texts(name, new_tokens)?;
        let step = (whole.seconds - prefill.seconds) / (new_tokens - 1) as f64;
        let products = (whole.in_products - prefill.in_products) / (new_tokens - 1) as f64;
        let tokens: usize = requests.iter().map(|request| request.prompt.len()).sum();
        prefill.tokens_per_second = Some(tokens as f64 / prefill.seconds);
        // Too few tokens for the machine's noise: the prompts alone took longer.
        if step > 0.0 {
            whole.tokens_per_second = Some(rows as f64 / step);
            whole.fraction_of_limit = Some(self.limits.step(rows) / step);
            whole.fraction_outside_products = Some(1.0 - products / step);
        }
        if self.settings.greedy {
            whole.texts = generated.map(|texts| texts.into_iter().map(|text| text.tokens).collect());
        }
        parts.push(prefill);
        parts.push(whole);
        Ok(())
    }

    /// The token whose residual stream is kept.
    fn position(&self, prompt: &RenderedPrompt) -> Option<usize> {
        match pooled_position(self.pipeline.contrast.pooling, prompt) {
            Wanted::Position(position) => Some(position),
            Wanted::MeanFrom(_) => None,
        }
    }

    /// The mean of the positive condition minus that of the negative one.
    fn contrast(&self, rows: &[Activation]) -> Vec<f32> {
        let hidden_size = self.model.network.config().hidden_size;
        let mean = |condition: &String| {
            let mut sums = ConditionSums::new(condition, hidden_size);
            let own = rows.iter().filter(|row| row.condition == *condition);
            own.for_each(|row| sums.add(&row.activation));
            sums.mean()
        };
        let contrast = &self.pipeline.contrast;
        let difference = analyze::difference(&mean(&contrast.positive), &mean(&contrast.negative));
        difference.iter().map(|value| *value as f32).collect()
    }

    /// The stages after the model, on captured vectors and on placeholder texts.
    fn tables(&self, layers: Vec<Vec<Activation>>, parts: &mut Vec<Measured>) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let layout = Layout::new(folder.path().join("bench"));
        let metadata = self.metadata(layers.len());
        for stage in [
            Stage::Verify,
            Stage::Extract,
            Stage::Analyze,
            Stage::Steer,
            Stage::Dose,
            Stage::Report,
        ] {
            fs_err::create_dir_all(layout.stage(stage))?;
        }
        let mut writer = ActivationWriter::create(&layout.activations(), layers.len(), 0, &metadata)?;
        for (layer, rows) in layers.iter().enumerate() {
            writer.append(layer, rows)?;
        }
        writer.finish()?;
        RenderedPrompt::write(&layout.table::<RenderedPrompt>(), &metadata, &self.prompts)?;
        Generation::write(&layout.table::<Generation>(), &metadata, &self.texts())?;
        write_certificate(&layout.certificate(), &self.certificate())?;
        LensToken::write(&layout.table::<LensToken>(), &metadata, &[])?;
        DoseEffect::write(&layout.table::<DoseEffect>(), &metadata, &[])?;
        DoseText::write(&layout.table::<DoseText>(), &metadata, &[])?;
        HeldOutText::write(&layout.table::<HeldOutText>(), &metadata, &[])?;
        let nothing = DoseSummary::nothing(1.5, "A benchmark looks for no dose.");
        write_dose_summary(&layout.dose_summary(), &nothing)?;
        let repeat = self.settings.repeat;
        let analyze = || {
            Ok(analyze::run(
                &self.pipeline,
                &layout,
                &layout.stage(Stage::Analyze),
            )?)
        };
        parts.push(measure("analyze", repeat, analyze)?.0);
        let report = || report::run(&self.pipeline, &layout, &layout.stage(Stage::Report));
        parts.push(measure("report", repeat, report)?.0);
        Ok(())
    }

    fn metadata(&self, layers: usize) -> Metadata {
        Metadata::default()
            .with("pipeline", &self.pipeline.name)
            .with("model_name", &self.pipeline.model.name)
            .with("layers", layers)
            .with("hidden_size", self.model.network.config().hidden_size)
    }

    fn certificate(&self) -> Certificate {
        Certificate {
            format: CERTIFICATE_FORMAT,
            verdict: Verdict::NotVerified,
            statement: "a benchmark compares nothing".to_owned(),
            model: self.pipeline.model.name.clone(),
            weights_fingerprint: String::new(),
            roleswap_version: env!("CARGO_PKG_VERSION").to_owned(),
            comparison: None,
        }
    }

    fn texts(&self) -> Vec<Generation> {
        let set = |name: &str, condition: &str, coefficient: Option<f64>| {
            let prompts = self
                .prompts
                .iter()
                .filter(move |prompt| prompt.condition == condition);
            let name = name.to_owned();
            prompts
                .map(move |prompt| Generation {
                    set: name.clone(),
                    prompt_id: prompt.prompt_id.clone(),
                    prompt: prompt.prompt.clone(),
                    condition: prompt.condition.clone(),
                    coefficient,
                    sample: 0,
                    seed: 0,
                    text: "word ".repeat(300),
                    n_tokens: 300,
                    finish_reason: FinishReason::Length,
                    interventions: String::new(),
                    decoding: GenerationStyle::Sampled,
                })
                .collect::<Vec<_>>()
        };
        let conditions = &self.pipeline.conditions;
        let plain = conditions
            .iter()
            .flat_map(|condition| set(&condition.name, &condition.name, None));
        let steered = [-3.0, 3.0]
            .into_iter()
            .flat_map(|coefficient| set("steered", &conditions[0].name, Some(coefficient)));
        plain.chain(steered).collect()
    }

    fn result(&self, parts: &[Measured], layer_norms: &[f64]) -> Value {
        let part = |part: &Measured| {
            json!({
                "part": part.name,
                "seconds": part.seconds,
                "all_seconds": part.all,
                "tokens_per_second": part.tokens_per_second,
                "peak_memory_bytes": part.peak_memory,
                "fraction_of_limit": part.fraction_of_limit,
                "texts": part.texts,
                "fraction_outside_products": part.fraction_outside_products,
            })
        };
        let memory = self.model.resident().ok().map(Network::device);
        let memory = memory.and_then(|device| model::memory_in_use(&device));
        json!({
            "tool": "roleswap",
            "version": env!("CARGO_PKG_VERSION"),
            "checkpoint": self.settings.checkpoint.display().to_string(),
            "device": self.model.device.to_string(),
            "dtype": self.model.precision.as_str(),
            "instructions": format!("{:?}", kernels::Instructions::best()).to_lowercase(),
            "threads": rayon::current_num_threads(),
            "read_bandwidth_bytes_per_second": self.limits.bandwidth,
            "multiply_add_rate_per_second": self.limits.rates.f32,
            "bf16_multiply_add_rate_per_second": self.limits.rates.bf16,
            "device_memory_bytes": memory.map(|memory| memory.reserved),
            "new_tokens": self.settings.new_tokens,
            "repeat": self.settings.repeat,
            "format": self.format,
            "work": {
                "tokens": self.prompts.iter().map(tokens).collect::<Vec<_>>(),
                "positions": self.prompts.iter().map(|prompt| self.position(prompt)).collect::<Vec<_>>(),
            },
            "layer_norms": layer_norms,
            "parts": parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}
