#include "model_file.h"

#include "crc32.h"
#include "failure.h"
#include "fastnn/version.h"

namespace fastnn {
namespace {

// All versions up to it are read.
constexpr std::int64_t kFormatVersion = 1;
constexpr const char* kKey = "fastnn";

std::uint32_t crc32_of(std::string_view text, std::uint32_t before) { return crc32(text.data(), text.size(), before); }

std::int64_t checksum_of(const Json& document, const std::vector<Tensor>& tensors) {
    std::uint32_t total = crc32_of(write_json(document), 0);
    for (const Tensor& tensor : tensors) {
        std::vector<Json> shape;
        for (const std::int64_t axis : tensor.shape) shape.push_back(Json::integer(axis));
        const Json entry =
            Json::array({Json::string(tensor.name), Json::string(tensor.type->numpy), Json::array(std::move(shape))});
        total = crc32_of(write_json(entry), total);
        total = crc32(tensor.data, tensor.bytes, total);
    }
    return total;
}

// Checks the document, and takes its checksum away.
void check_document(Json& document, const Tensors& tensors) {
    require(document.is(Json::Type::object), FASTNN_BAD_FILE);
    std::int64_t version = 0, checksum = 0;
    const Json* const stored_version = document.find("format_version");
    const Json* const stored_checksum = document.find("checksum");
    require(stored_version != nullptr && stored_version->read(version) && version >= 1 && version <= kFormatVersion &&
                stored_checksum != nullptr && stored_checksum->read(checksum),
            FASTNN_BAD_FILE);
    document.remove("checksum");
    require(checksum == checksum_of(document, tensors.list), FASTNN_BAD_FILE);
    const Json* const kind = document.find("kind");
    require(kind != nullptr && kind->is("model"), FASTNN_BAD_MODEL);
}

}  // namespace

ModelFile read_model_file(const void* bytes, std::size_t size) {
    ModelFile file = {Json(), read_safetensors(bytes, size, kKey)};
    file.document = parse_json(file.tensors.document);
    check_document(file.document, file.tensors);
    return file;
}

std::string write_model_file(Json document, const std::vector<Tensor>& tensors) {
    document.set("kind", Json::string("model"));
    document.set("format_version", Json::integer(kFormatVersion));
    document.set("fastnn", Json::string(FASTNN_VERSION));
    document.set("checksum", Json::integer(checksum_of(document, tensors)));
    return write_safetensors(tensors, kKey, write_json(document));
}

}  // namespace fastnn
