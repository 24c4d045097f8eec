//! Round trips, refusals, and bytes that are no model.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use varisk_onnx::proto::{ModelProto, StringStringEntryProto, ValueInfoProto};
use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, Model, OnnxError};

fn builder() -> GraphBuilder {
    let mut graph = GraphBuilder::new("test");
    let row = [Dimension::symbolic("N"), Dimension::Fixed(3)];
    graph.input("x", ElementType::Float32, &row).unwrap();
    graph
        .initializer_f32("w", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, -5.5])
        .unwrap();
    graph.initializer_i64("axes", &[1], &[-1]).unwrap();
    graph
        .node(
            "Gemm",
            &["x", "w"],
            &["y"],
            &[Attribute::float("alpha", 0.5)],
        )
        .unwrap();
    graph
        .node(
            "ReduceSum",
            &["y", "axes"],
            &["sum"],
            &[Attribute::int("keepdims", 1)],
        )
        .unwrap();
    let out = [Dimension::symbolic("N"), Dimension::Fixed(1)];
    graph.output("sum", ElementType::Float32, &out).unwrap();
    graph.metadata("varisk.manifest", "{}").unwrap();
    graph
}

fn model() -> Model {
    builder().finish().unwrap()
}

#[test]
fn a_written_model_is_read_back_equal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    model().write(&path).unwrap();
    let read = Model::read(&path).unwrap();
    assert_eq!(read, model());
    assert_eq!(read.encode(), model().encode());
    assert_eq!((read.ir_version(), read.opset()), (8, Some(17)));
    let shown = |infos: Vec<varisk_onnx::TensorInfo>| {
        let texts: Vec<_> = infos.iter().map(ToString::to_string).collect();
        texts.join("; ")
    };
    assert_eq!(shown(read.inputs()), "x float32 [N, 3]");
    assert_eq!(shown(read.outputs()), "sum float32 [N, 1]");
    assert_eq!(read.metadata().get("varisk.manifest"), Some(&"{}"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn operators_of_machine_learning_bring_their_operator_set() {
    let sets = |model: Model| -> Vec<(String, i64)> {
        let sets = model.into_proto().opset_import.into_iter();
        sets.map(|set| (set.domain, set.version)).collect()
    };
    assert_eq!(sets(model()), [(String::new(), 17)]);
    let mut graph = builder();
    let modes = Attribute::strings("modes", &["BRANCH_LEQ", "LEAF"]);
    graph
        .ml_node("Normalizer", &["x"], &["scaled"], &[modes])
        .unwrap();
    let model = graph.finish().unwrap();
    assert_eq!(model.opset(), Some(17));
    let node = model.graph().node.last().unwrap();
    assert_eq!(node.domain, "ai.onnx.ml");
    assert_eq!(node.attribute[0].strings[0], "BRANCH_LEQ");
    assert_eq!(
        sets(model),
        [(String::new(), 17), ("ai.onnx.ml".to_owned(), 3)]
    );
}

#[test]
fn bytes_follow_the_published_field_numbers() {
    // ir_version = 8 (field 1, varint), graph (field 7) with name "g" (field 2), metadata
    // (field 14) with key "k" and value "v", put together by hand.
    let bytes: &[u8] = &[
        0x08, 8, 0x3a, 3, 0x12, 1, b'g', 0x72, 6, 0x0a, 1, b'k', 0x12, 1, b'v',
    ];
    let model = Model::decode(bytes).unwrap();
    assert_eq!(model.graph().name, "g");
    assert_eq!(model.metadata().get("k"), Some(&"v"));
    assert_eq!(model.encode(), bytes);
}

#[test]
fn metadata_is_replaced_or_added() {
    let mut model = model();
    model.set_metadata("varisk.manifest", "new");
    model.set_metadata("other", "x");
    let again = Model::decode(model.encode()).unwrap();
    let metadata: Vec<_> = again.metadata().into_iter().collect();
    assert_eq!(metadata, [("other", "x"), ("varisk.manifest", "new")]);
}

#[test]
fn inputs_that_name_a_constant_are_not_fed() {
    let mut proto: ModelProto = model().into_proto();
    let graph = proto.graph.as_mut().unwrap();
    graph.input.push(ValueInfoProto {
        name: "w".to_owned(),
        ..ValueInfoProto::default()
    });
    let model = Model::from_proto(proto).unwrap();
    assert_eq!(model.graph().input.len(), 2);
    assert_eq!(model.inputs().len(), 1);
}

#[test]
fn external_files_are_named() {
    let mut proto = model().into_proto();
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    proto.graph.as_mut().unwrap().initializer[0].external_data =
        vec![entry("location", "weights.bin"), entry("offset", "0")];
    assert_eq!(
        Model::from_proto(proto).unwrap().external_files(),
        ["weights.bin"]
    );
}

#[test]
fn what_a_runtime_would_refuse_is_refused_at_once() {
    fn check(what: impl FnOnce(&mut GraphBuilder) -> Result<(), OnnxError>, expected: &str) {
        let error = what(&mut builder()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let scalar: &[Dimension] = &[];
    check(
        |g| g.input("w", ElementType::Float32, scalar).map(drop),
        "two values have the name w",
    );
    check(
        |g| g.initializer_f32("x", &[1], &[1.0]).map(drop),
        "two values have the name x",
    );
    check(
        |g| g.node("Relu", &["x"], &["y"], &[]).map(drop),
        "two values have the name y",
    );
    check(
        |g| g.node("Relu", &["later"], &["z"], &[]).map(drop),
        "Relu uses later",
    );
    check(
        |g| g.output("sum", ElementType::Float32, scalar).map(drop),
        "sum is an output twice",
    );
    check(
        |g| g.output("none", ElementType::Float32, scalar).map(drop),
        "the output uses none",
    );
    check(
        |g| g.metadata("varisk.manifest", "again").map(drop),
        "stands twice",
    );
    check(
        |g| g.initializer_i64("c", &[2, 2], &[1, 2, 3]).map(drop),
        "has 3 values, its shape [2, 2] asks for 4",
    );
    check(
        |g| {
            g.initializer_i64("c", &[u64::MAX, u64::MAX, u64::MAX], &[])
                .map(drop)
        },
        "asks for",
    );
    check(
        |g| {
            g.input("huge", ElementType::Float32, &[Dimension::Fixed(u64::MAX)])
                .map(drop)
        },
        "more than the format holds",
    );
    check(
        |g| g.input("", ElementType::Float32, scalar).map(drop),
        "a input needs a name",
    );
    let twice = [Attribute::int("axis", 0), Attribute::int("axis", 1)];
    check(
        |g| g.node("Concat", &["x"], &["z"], &twice).map(drop),
        "Concat has the attribute axis twice",
    );
    check(
        |_| GraphBuilder::new("empty").finish().map(drop),
        "the graph empty has no output",
    );
}

#[test]
fn files_that_are_no_model_are_refused_with_their_name() {
    fn check(bytes: &[u8], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, bytes).unwrap();
        let error = Model::read(&path).unwrap_err();
        assert!(error.to_string().contains("model.onnx is not a usable"));
        let OnnxError::File { source, .. } = error else {
            panic!("{error}");
        };
        assert!(source.to_string().contains(expected), "{source}");
    }
    check(b"", "no ONNX format version");
    check(b"\x08\x08", "no graph");
    check(b"version https://git-lfs.github.com/spec/v1", "damaged");
    check(b"<html></html>", "damaged");
    let whole = model().encode();
    check(&whole[..whole.len() - 1], "damaged");
    let error = Model::read("/nowhere/model.onnx").unwrap_err();
    assert!(matches!(error, OnnxError::Read { .. }), "{error}");
}

#[test]
fn a_metadata_key_that_stands_twice_is_refused() {
    let mut proto = model().into_proto();
    proto.metadata_props.push(proto.metadata_props[0].clone());
    let error = Model::from_proto(proto).unwrap_err();
    assert!(matches!(error, OnnxError::DuplicateMetadata { .. }));
}

/// A field of a message: its tag, its length, its content.
fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    bytes.extend(content);
    bytes
}

#[test]
fn nesting_without_end_is_an_error_not_a_stack_overflow() {
    // Graphs (6) in attributes (5) of nodes (1) of graphs.
    let mut graph = Vec::new();
    for _ in 0..1_000 {
        graph = field(0x0a, &field(0x2a, &field(0x32, &graph)));
    }
    let bytes = [vec![0x08, 8], field(0x3a, &graph)].concat();
    assert!(matches!(
        Model::decode(bytes),
        Err(OnnxError::Decode { .. })
    ));
}

/// Uses all that a reader of a model would.
fn look_at(bytes: Vec<u8>) {
    if let Ok(model) = Model::decode(bytes) {
        let _ = (model.inputs(), model.outputs(), model.metadata());
        let _ = (model.opset(), model.external_files());
        let again = Model::decode(model.encode()).unwrap();
        // NaN weights are not equal to themselves; their bytes are.
        assert_eq!(again.encode(), model.encode());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_model_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        look_at(bytes);
    }

    #[test]
    fn damage_gives_a_model_or_an_error(
        cut in 0_usize..2_000,
        changes in prop::collection::vec((0_usize..2_000, any::<u8>()), 0..6),
    ) {
        let mut bytes = model().encode();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        let keep = bytes.len() - cut % bytes.len();
        bytes.truncate(keep);
        look_at(bytes);
    }

    #[test]
    fn constants_keep_their_bits(values in prop::collection::vec(any::<f32>(), 1..20)) {
        let mut graph = GraphBuilder::new("g");
        graph.initializer_f32("w", &[values.len() as u64], &values).unwrap();
        graph.output("w", ElementType::Float32, &[Dimension::Fixed(values.len() as u64)]).unwrap();
        let read = Model::decode(graph.finish().unwrap().encode()).unwrap();
        let raw = &read.graph().initializer[0].raw_data;
        let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        prop_assert_eq!(&raw[..], &expected[..]);
    }
}
