//! Graphs have the inputs, the nodes and the output that they should.

use super::super::{LOGIT, Settings, Tensors};
use super::{Data, train};

fn graph(
    elements: usize,
    convolutions: u8,
    tensors: &Tensors<'_>,
) -> Result<varisk_onnx::Model, super::super::SiameseError> {
    let settings = Settings {
        epochs: 1,
        convolutions,
        ..Settings::default()
    };
    let data = Data::new(30, 7, elements, 9, 1);
    train(&data, None, 9, &settings, 1).graph("variants", "for a test", tensors)
}

const TENSORS: Tensors<'_> = Tensors {
    reference: "ref_tokens",
    alternate: "alt_tokens",
    annotation: "annotation",
};

#[test]
fn inputs_and_output() {
    let texts = |values: Vec<varisk_onnx::TensorInfo>| -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    };
    let model = graph(2, 1, &TENSORS).unwrap();
    assert_eq!(
        texts(model.inputs()),
        [
            "ref_tokens int64 [N, 7]",
            "alt_tokens int64 [N, 7]",
            "annotation float32 [N, 2]"
        ]
    );
    assert_eq!(texts(model.outputs()), [format!("{LOGIT} float32 [N, 1]")]);
    let model = graph(0, 1, &TENSORS).unwrap();
    assert_eq!(model.inputs().len(), 2);
}

#[test]
fn nodes() {
    let model = graph(2, 2, &TENSORS).unwrap();
    let encoder =
        "Gather Transpose Conv Relu Conv Relu GlobalMaxPool GlobalAveragePool Concat Flatten";
    let operators: Vec<&str> = model
        .graph()
        .node
        .iter()
        .map(|node| node.op_type.as_str())
        .collect();
    assert_eq!(
        operators.join(" "),
        format!("{encoder} {encoder} Sub Mul Concat Gemm Relu Gemm")
    );
}

#[test]
fn names_that_clash_are_refused() {
    for alternate in ["ref_tokens", "", LOGIT, "encoder.embedding"] {
        let tensors = Tensors {
            alternate,
            ..TENSORS
        };
        assert!(graph(0, 1, &tensors).is_err(), "{alternate}");
    }
}
