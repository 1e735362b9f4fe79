// Files of arrays: https://github.com/huggingface/safetensors. Eight bytes hold the length of a header of JSON, which
// says where each array lies in the rest.
#ifndef FASTNN_MODEL_SAFETENSORS_H
#define FASTNN_MODEL_SAFETENSORS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fastnn {

// An element type: the file's name of it, NumPy's, and its size.
struct ElementType {
    const char* name;
    const char* numpy;
    std::size_t bytes;
};
extern const ElementType kFloat32, kFloat64;

struct Tensor {
    std::string name;
    const ElementType* type;
    std::vector<std::int64_t> shape;
    const unsigned char* data;  // the caller's memory, as little-endian elements, perhaps not aligned
    std::size_t bytes;
};

struct Tensors {
    std::vector<Tensor> list;  // names ascending
    std::string document;      // the metadata of the key that was asked for
    const Tensor* find(std::string_view name) const;
};

// The arrays of a file's bytes, which must outlive the result. Throws Failure (FASTNN_BAD_FILE) unless the whole file
// is as the format has it: every array inside, of as many bytes as its shape says, and no byte in two arrays or none;
// or if the metadata has no such key.
Tensors read_safetensors(const void* bytes, std::size_t size, std::string_view key);

// The bytes of a file, the same that Python's safetensors writes. Arrays of one type, their names ascending.
std::string write_safetensors(const std::vector<Tensor>& list, std::string_view key, std::string_view document);

}  // namespace fastnn

#endif
