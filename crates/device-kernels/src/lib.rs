//! The hot operations of the network on GPUs, each in one launch of a kernel: norms, gates, queries, keys and values with
//! their rotary embedding, attention over slots of the cache where they are. Written in cubecl, which compiles them for
//! CUDA, Vulkan, Metal and WGSL. Numbers are f32 inside, whatever the tensors have.
//!
//! Each has an equivalent in burn's operations in `model::network`, which autodiff takes; tests compare them.
#![cfg(feature = "gpu")]

mod attention;
mod extension;
mod gate;
mod heads;
mod largest;
mod launch;
mod product;
mod rms_norm;
mod shapes;
mod tails;

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{Int, Tensor};

/// For tests that count launches.
pub use cubecl::logging::{LaunchObservation, LaunchObserver};
use extension::DeviceKernels;
pub use shapes::{AttendShape, GateFunction, HeadNorms, HeadShape};
pub use tails::BLOCK as TAIL_BLOCK;

/// Whether the kernels here run where the tensor is.
pub fn is_here<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device();
    !device.is_autodiff() && matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

/// `x / sqrt(mean(x^2) + epsilon) * weight` of each row of `x: [rows, width]`, in its type; `weight: [width]` in f32.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f32) -> Tensor<2> {
    let normed = Dispatch::rms_norm(x.into_dispatch(), weight.into_dispatch(), epsilon);
    Tensor::from_dispatch(normed)
}

/// The same added to `h: [rows, width]`.
pub fn add_rms_norm(h: Tensor<2>, x: Tensor<2>, weight: Tensor<1>, epsilon: f32) -> Tensor<2> {
    let [h, x] = [h, x].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::add_rms_norm(h, x, weight.into_dispatch(), epsilon))
}

/// `function(gate) * up` of `[rows, 2 * width]`, where each row is its gate and then its up: `[rows, width]`.
pub fn gate(gate_up: Tensor<2>, function: GateFunction) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::gate(gate_up.into_dispatch(), function))
}

/// Queries, keys and values of some tokens as attention takes them: heads normed, queries and keys turned by the rotary
/// embedding, keys and values written over the rows of `keys` and `values` from `first` on, in place where these are the
/// only handles.
///
/// `qkv: [tokens, (heads + 2 groups) head_dim]`, with one `groups` where keys and values are one product; `cosines` and `sines:
/// [tokens, pairs]` in f32 (of any size where nothing is turned); the weights of the norms in f32, as wide as what they are over
/// (of any size without norms); `keys` and `values: [slots, groups head_dim]` (of any size without groups). Gives the queries, `[tokens, heads head_dim]`, and all keys and values.
#[allow(clippy::too_many_arguments, reason = "what a layer has for its heads")]
pub fn heads(
    qkv: Tensor<2>,
    [cosines, sines]: [Tensor<2>; 2],
    [query_norm, key_norm]: [Tensor<1>; 2],
    [keys, values]: [Tensor<2>; 2],
    first: usize,
    shape: HeadShape,
) -> [Tensor<2>; 3] {
    let [cosines, sines] = [cosines, sines].map(Tensor::into_dispatch);
    let [query_norm, key_norm] = [query_norm, key_norm].map(Tensor::into_dispatch);
    let [keys, values] = [keys, values].map(Tensor::into_dispatch);
    let qkv = qkv.into_dispatch();
    let (queries, keys, values) = Dispatch::heads(
        qkv, cosines, sines, query_norm, key_norm, keys, values, first, shape,
    );
    [queries, keys, values].map(Tensor::from_dispatch)
}

/// `x weight^T` in f32 of `x: [rows, in]` and `weight: [out, in]`, which have one type: `[rows, out]`. Sums are in f32, and not
/// rounded to the type.
pub fn wide_product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::wide_product(x, weight))
}

/// The largest numbers of each row of `x: [rows, width]` in f32: between `wanted` and `room` of them, all that are above some
/// limit. A row of the result, `[rows, 3 + 2 room]`, has how many there are (0 where no limit does that, as among equal
/// numbers), the limit, and the sum of the whole row; then the numbers, and then their places, both as many as `room`.
/// Widths are below 2^24, so that places are exact.
pub fn largest(x: Tensor<2>, wanted: usize, room: usize) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::largest(x.into_dispatch(), wanted, room))
}

/// What is left of each row of `x: [rows, width]` in f32 beside its largest numbers, which `found` has ([`largest`]): of each block
/// of [`TAIL_BLOCK`] numbers the sum of `exp((number - limit) * inverse)` over those that are not above the row's limit.
/// `inverses: [rows]`, one over the temperature. `[rows, blocks]`; the exponentials are the device's own, in f32.
pub fn tails(x: Tensor<2>, found: Tensor<2>, inverses: Tensor<1>) -> Tensor<2> {
    let [x, found] = [x, found].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::tails(x, found, inverses.into_dispatch()))
}

/// What each query sees: lists of slots, and which part of them is a query's own.
#[derive(Clone)]
pub struct Seen {
    /// The slots of all rows, one row after the other, in the order of positions.
    pub slots: Tensor<1, Int>,
    /// For each query the places in `slots` where its own begin and end.
    pub bounds: Tensor<1, Int>,
    /// For each tile its first query and how many it has: queries of one row, at positions that follow each other.
    pub tiles: Tensor<1, Int>,
}

/// Attention of `queries: [queries, heads head_dim]` over `keys` and `values: [slots, groups head_dim]`: the softmax of the
/// scaled and capped scores of what each query sees, times the values. As many queries in a tile as
/// [`AttendShape::queries_at_once`] says at most.
pub fn attend(
    queries: Tensor<2>,
    keys: Tensor<2>,
    values: Tensor<2>,
    seen: Seen,
    shape: AttendShape,
) -> Tensor<2> {
    let [queries, keys, values] = [queries, keys, values].map(Tensor::into_dispatch);
    let [slots, bounds, tiles] = [seen.slots, seen.bounds, seen.tiles].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::attend(
        queries, keys, values, slots, bounds, tiles, shape,
    ))
}
