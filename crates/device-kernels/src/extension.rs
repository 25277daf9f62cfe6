//! The operations as burn's backends have them. What fuses other operations takes these as they are.

use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Shape, backend_extension};
use burn::tensor::DType;
use burn_cubecl::CubeBackend;

use crate::{
    AttendShape, GateFunction, HeadShape, attention, gate, heads, largest, product, rms_norm, tails,
};

#[backend_extension(Cube, Fusion)]
pub trait DeviceKernels: Backend {
    #[fusion(dtype = x, shape = x)]
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self>;

    #[fusion(dtype = x, shape = x)]
    fn add_rms_norm(
        h: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;

    #[fusion(dtype = gate_up, shape = half(gate_up))]
    fn gate(gate_up: FloatTensor<Self>, function: GateFunction) -> FloatTensor<Self>;

    #[allow(clippy::too_many_arguments)]
    #[fusion(meta = specs_of_heads)]
    fn heads(
        qkv: FloatTensor<Self>,
        cosines: FloatTensor<Self>,
        sines: FloatTensor<Self>,
        query_norm: FloatTensor<Self>,
        key_norm: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        first: usize,
        shape: HeadShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = spec_of_product)]
    fn wide_product(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    #[fusion(dtype = x, shape = facts(x, room))]
    fn largest(x: FloatTensor<Self>, wanted: usize, room: usize) -> FloatTensor<Self>;

    #[fusion(dtype = x, shape = blocks(x))]
    fn tails(
        x: FloatTensor<Self>,
        found: FloatTensor<Self>,
        inverses: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    #[fusion(dtype = queries, shape = queries)]
    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slots: IntTensor<Self>,
        bounds: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttendShape,
    ) -> FloatTensor<Self>;
}

fn spec_of_product(x: &TensorSpec, weight: &TensorSpec) -> TensorSpec {
    TensorSpec::new(Shape::new([x.shape[0], weight.shape[0]]), DType::F32)
}

fn facts(rows: &Shape, room: &usize) -> Shape {
    Shape::new([rows[0], 3 + 2 * room])
}

fn blocks(rows: &Shape) -> Shape {
    Shape::new([rows[0], rows[1].div_ceil(tails::BLOCK)])
}

fn half(whole: &Shape) -> Shape {
    Shape::new([whole[0], whole[1] / 2])
}

#[allow(clippy::too_many_arguments)]
fn specs_of_heads(
    qkv: &TensorSpec,
    _cosines: &TensorSpec,
    _sines: &TensorSpec,
    _query_norm: &TensorSpec,
    _key_norm: &TensorSpec,
    keys: &TensorSpec,
    values: &TensorSpec,
    _first: &usize,
    shape: &HeadShape,
) -> (TensorSpec, TensorSpec, TensorSpec) {
    let queries = Shape::new([qkv.shape[0], shape.heads * shape.head_dim]);
    (TensorSpec::new(queries, qkv.dtype), keys.clone(), values.clone())
}

impl DeviceKernels for CubeBackend {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self> {
        rms_norm::launch(x, weight, None, epsilon)
    }

    fn add_rms_norm(
        h: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        rms_norm::launch(x, weight, Some(h), epsilon)
    }

    fn gate(gate_up: FloatTensor<Self>, function: GateFunction) -> FloatTensor<Self> {
        gate::launch(gate_up, function)
    }

    fn heads(
        qkv: FloatTensor<Self>,
        cosines: FloatTensor<Self>,
        sines: FloatTensor<Self>,
        query_norm: FloatTensor<Self>,
        key_norm: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        first: usize,
        shape: HeadShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let tables = [cosines, sines];
        heads::launch(qkv, tables, [query_norm, key_norm], [keys, values], first, shape)
    }

    fn wide_product(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        product::launch(x, weight)
    }

    fn largest(x: FloatTensor<Self>, wanted: usize, room: usize) -> FloatTensor<Self> {
        largest::launch(x, wanted, room)
    }

    fn tails(
        x: FloatTensor<Self>,
        found: FloatTensor<Self>,
        inverses: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        tails::launch(x, found, inverses)
    }

    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slots: IntTensor<Self>,
        bounds: IntTensor<Self>,
        tiles: IntTensor<Self>,
        shape: AttendShape,
    ) -> FloatTensor<Self> {
        attention::launch([queries, keys, values], [slots, bounds, tiles], shape)
    }
}
