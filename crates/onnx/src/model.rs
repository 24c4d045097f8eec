//! A model file: reading, describing, writing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use crate::proto::{GraphProto, ModelProto, StringStringEntryProto, ValueInfoProto};
use crate::{OnnxError, TensorInfo};

/// A model that has a graph and whose metadata keys are distinct.
///
/// # Memory
///
/// Weights kept as raw bytes share the buffer the file was read into; they are not copied.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    proto: ModelProto,
    graph: GraphProto,
}

impl Model {
    /// Reads a file. Values kept beside it (external data) are not read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, OnnxError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| OnnxError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::decode(bytes).map_err(|source| OnnxError::File {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Reads the bytes of a file.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, OnnxError> {
        let proto =
            ModelProto::decode(bytes.into()).map_err(|source| OnnxError::Decode { source })?;
        Self::from_proto(proto)
    }

    /// Takes the message of a model.
    pub fn from_proto(mut proto: ModelProto) -> Result<Self, OnnxError> {
        // An empty file and many a text decode as a message without anything in it.
        if proto.ir_version <= 0 {
            return Err(OnnxError::NoVersion);
        }
        let graph = proto.graph.take().ok_or(OnnxError::NoGraph)?;
        let mut keys = BTreeSet::new();
        for entry in &proto.metadata_props {
            if !keys.insert(entry.key.as_str()) {
                return Err(OnnxError::DuplicateMetadata {
                    key: entry.key.clone(),
                });
            }
        }
        Ok(Self { proto, graph })
    }

    /// The message of the model.
    #[must_use]
    pub fn into_proto(self) -> ModelProto {
        ModelProto {
            graph: Some(self.graph),
            ..self.proto
        }
    }

    /// The message without its graph, and the graph.
    pub(crate) fn parts_mut(&mut self) -> (&mut ModelProto, &mut GraphProto) {
        (&mut self.proto, &mut self.graph)
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &GraphProto {
        &self.graph
    }

    /// Version of the file format.
    #[must_use]
    pub fn ir_version(&self) -> i64 {
        self.proto.ir_version
    }

    /// Version of the standard operator set, if the model names it.
    #[must_use]
    pub fn opset(&self) -> Option<i64> {
        self.proto
            .opset_import
            .iter()
            .find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"))
            .map(|set| set.version)
    }

    /// Free metadata, by key.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<&str, &str> {
        self.proto
            .metadata_props
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str()))
            .collect()
    }

    /// Adds or replaces an entry of the metadata.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        let entries = &mut self.proto.metadata_props;
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => value.clone_into(&mut entry.value),
            None => entries.push(StringStringEntryProto {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
        }
    }

    /// What has to be fed, in the file's order: its inputs without those that only give a constant
    /// another name, as files of the first format versions do.
    #[must_use]
    pub fn inputs(&self) -> Vec<TensorInfo> {
        let constants: BTreeSet<&str> = self
            .graph
            .initializer
            .iter()
            .map(|tensor| tensor.name.as_str())
            .collect();
        self.graph
            .input
            .iter()
            .filter(|value| !constants.contains(value.name.as_str()))
            .map(TensorInfo::from_proto)
            .collect()
    }

    /// What the model gives, in the file's order.
    #[must_use]
    pub fn outputs(&self) -> Vec<TensorInfo> {
        let describe = |value: &ValueInfoProto| TensorInfo::from_proto(value);
        self.graph.output.iter().map(describe).collect()
    }

    /// Names of the files beside the model that hold values, sorted; a bundle without them is
    /// incomplete. Constants inside nodes are not searched.
    #[must_use]
    pub fn external_files(&self) -> Vec<&str> {
        let locations: BTreeSet<&str> = self
            .graph
            .initializer
            .iter()
            .flat_map(|tensor| &tensor.external_data)
            .filter(|entry| entry.key == "location")
            .map(|entry| entry.value.as_str())
            .collect();
        locations.into_iter().collect()
    }

    /// The bytes of the file. Equal models give equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.clone().into_proto().encode_to_vec()
    }

    /// Writes the file: under another name first, so that no half file is seen.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), OnnxError> {
        let path = path.as_ref();
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        fs::write(&partial, self.encode())
            .and_then(|()| fs::rename(&partial, path))
            .map_err(|source| {
                // The first error is the one to report; the leftover may not even exist.
                let _ = fs::remove_file(&partial);
                OnnxError::Write {
                    path: path.to_owned(),
                    source,
                }
            })
    }
}
