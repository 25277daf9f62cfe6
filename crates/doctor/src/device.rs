use machine::Gpu;
use model::{DeviceKind, Footprint, Precision, ROWS_AT_ONCE, TextsAtOnce};
use pipeline::Pipeline;
use terms::{Device, GpuApi};

use crate::check::Check;
use crate::known::Shape;
use crate::machine::Machine;
use crate::units::bytes;
use crate::workload::Workload;

/// The GPUs that are here, the one that the pipeline runs on, and what it takes there.
pub fn checks(
    pipeline: &Pipeline,
    machine: &Machine,
    shape: Option<&Shape>,
    workload: Option<&Workload>,
) -> Vec<Check> {
    let mut all: Vec<Check> = machine.gpus.iter().map(listed).collect();
    let (kind, why) = match pipeline.model.device {
        Device::Auto => machine::preferred(&machine.gpus),
        named => (
            named.decided(|| DeviceKind::Cpu),
            "named by the pipeline".to_owned(),
        ),
    };
    let DeviceKind::Gpu(api, number) = kind else {
        all.push(Check::fine("device", format!("cpu: {why}")));
        return all;
    };
    match of_number(machine, api, number) {
        Some(gpu) => all.push(taken(pipeline, kind, &why, &gpu, shape.map(|shape| (shape, workload)))),
        None => all.push(Check::problem(
            "device",
            format!("{kind} is wanted, and no driver offers it here; {}, or set model.device to \"cpu\" or \"auto\"", driver(api)),
        )),
    }
    all
}

/// A line for each device that some driver offers.
fn listed(gpu: &Gpu) -> Check {
    let memory = gpu.memory.map_or("memory unknown".to_owned(), bytes);
    let all = [Precision::F32, Precision::Tf32, Precision::Bf16];
    let dtypes = all.into_iter().filter(|dtype| gpu.arithmetic.has(*dtype));
    let dtypes: Vec<&str> = dtypes.map(Precision::as_str).collect();
    let software = match gpu.is_software() {
        true => ", a program and no GPU: right, but slow, and never taken by itself",
        false => "",
    };
    Check::fine(
        "gpu",
        format!(
            "{}: {} ({}), {memory}, computes in {}{software}",
            gpu.device(),
            gpu.name,
            gpu.driver,
            dtypes.join(", ")
        ),
    )
}

/// By WGSL, devices have the numbers that they have by Vulkan or Metal.
fn of_number(machine: &Machine, api: GpuApi, number: usize) -> Option<Gpu> {
    let is_it = |gpu: &&Gpu| {
        let own = gpu.api == api || (api == GpuApi::Wgpu && gpu.api != GpuApi::Cuda);
        own && gpu.number == number
    };
    Some(machine.gpus.iter().find(is_it)?.clone().by(api))
}

/// What the pipeline takes on the device.
fn taken(
    pipeline: &Pipeline,
    kind: DeviceKind,
    why: &str,
    gpu: &Gpu,
    known: Option<(&Shape, Option<&Workload>)>,
) -> Check {
    let named = format!("{kind}, {}: {why}; the estimates below are for the CPU", gpu.name);
    let Some((shape, workload)) = known else {
        return Check::fine("device", named);
    };
    let precision = session::precision_on(kind, pipeline.model.dtype, shape.precision, gpu.arithmetic);
    let precision = match precision {
        Ok(precision) => precision,
        Err(error) => return Check::problem("device", error),
    };
    let texts = texts(workload);
    let footprint = Footprint::of(&shape.config, precision, texts);
    let weights = footprint.weights;
    let dtype = precision.as_str();
    match gpu.memory.filter(|memory| weights > memory - memory / 8) {
        Some(memory) => Check::problem(
            "device",
            format!(
                "{kind}: the weights take {} in {dtype}, and {} has {}, so that only extraction can run there; set model.device = \"cpu\", \
                 or take a smaller model",
                bytes(weights),
                gpu.name,
                bytes(memory)
            ),
        ),
        None => {
            let fit = |memory| Footprint::rows_within(&shape.config, precision, texts, memory);
            let rows = gpu.memory.map_or(texts.rows, fit);
            with_work(named, dtype, gpu, footprint, [rows, texts.rows])
        }
    }
}

/// Weights that fit, and whether there is room for the work with them: for how many rows at once, of how many.
fn with_work(
    named: String,
    dtype: &str,
    gpu: &Gpu,
    footprint: Footprint,
    [fit, wanted]: [usize; 2],
) -> Check {
    let text = format!(
        "{named}; {} of weights in {dtype}, and generation takes {} at most",
        bytes(footprint.weights),
        bytes(footprint.total())
    );
    match gpu.memory.filter(|_| fit < wanted).map(bytes) {
        Some(memory) if fit == 0 => Check::problem(
            "device",
            format!(
                "{text}, and not even one text fits into {memory}; take shorter prompts or fewer new tokens, or set model.device = \"cpu\""
            ),
        ),
        Some(memory) => Check::warning(
            "device",
            format!(
                "{text}, of {memory}: {fit} texts at once will be generated, and not {wanted}; shorter ones take less"
            ),
        ),
        None => Check::fine("device", text),
    }
}

/// What is generated at once at most. Where the texts aren't known, one short text.
fn texts(workload: Option<&Workload>) -> TextsAtOnce {
    let texts = workload.map_or((1, 1, 1), |workload| {
        let rows = workload.steer.rows.max(workload.dose.rows).clamp(1, ROWS_AT_ONCE);
        let new = workload.steer.most_tokens.max(workload.dose.most_tokens);
        (rows, workload.longest, workload.longest + new)
    });
    let (rows, prompt, tokens) = texts;
    TextsAtOnce { rows, prompt, tokens }
}

fn driver(api: GpuApi) -> &'static str {
    match api {
        GpuApi::Cuda => "install NVIDIA's (`nvidia-smi` must work)",
        GpuApi::Metal => "it needs a Mac",
        GpuApi::Vulkan | GpuApi::Wgpu => "install one with Vulkan (`vulkaninfo --summary` must list it)",
    }
}
