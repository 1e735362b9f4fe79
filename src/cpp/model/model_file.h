// Files of models: a safetensors file with one document of JSON beside its arrays, and a checksum over both. See
// network/modelfile.py.
#ifndef FASTNN_MODEL_MODEL_FILE_H
#define FASTNN_MODEL_MODEL_FILE_H

#include <string>
#include <vector>

#include "json.h"
#include "safetensors.h"

namespace fastnn {

struct ModelFile {
    Json document;    // without the checksum
    Tensors tensors;  // in the memory of the bytes
};

// Throws Failure: FASTNN_BAD_FILE unless the file is whole and its checksum fits, FASTNN_BAD_MODEL if it holds weights
// alone.
ModelFile read_model_file(const void* bytes, std::size_t size);

// The bytes of a file of these arrays, their names ascending. What says that it is a model, and of which version, is
// written over.
std::string write_model_file(Json document, const std::vector<Tensor>& tensors);

}  // namespace fastnn

#endif
