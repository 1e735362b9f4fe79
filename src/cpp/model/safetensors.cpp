#include "safetensors.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "failure.h"
#include "json.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The arrays of model files are little-endian, and are used as they lie there."
#endif

namespace fastnn {

const ElementType kFloat32 = {"F32", "<f4", 4}, kFloat64 = {"F64", "<f8", 8};

namespace {

constexpr std::size_t kLengthBytes = 8;
// What a header takes in memory is up to 100 times its size.
constexpr std::size_t kMostHeader = std::size_t{16} << 20;
// NumPy takes no more.
constexpr std::size_t kMostAxes = 64;
constexpr const char* kMetadata = "__metadata__";

// Those that fastnn reads nothing from still count in the checksum.
const ElementType* type_named(const Json& name) {
    static constexpr ElementType kOthers[] = {
        {"F16", "<f2", 2}, {"I64", "<i8", 8}, {"I32", "<i4", 4}, {"I16", "<i2", 2}, {"I8", "|i1", 1},
        {"U64", "<u8", 8}, {"U32", "<u4", 4}, {"U16", "<u2", 2}, {"U8", "|u1", 1},  {"BOOL", "|b1", 1}};
    if (name.is(kFloat32.name)) return &kFloat32;
    if (name.is(kFloat64.name)) return &kFloat64;
    for (const ElementType& type : kOthers) {
        if (name.is(type.name)) return &type;
    }
    fail(FASTNN_BAD_FILE);
}

const Json& member(const Json& object, std::string_view key, Json::Type type) {
    const Json* const value = object.find(key);
    require(value != nullptr && value->is(type), FASTNN_BAD_FILE);
    return *value;
}

// An integer >= 0.
std::size_t count_of(const Json& value) {
    std::int64_t count = 0;
    require(value.read(count) && count >= 0 && static_cast<std::uint64_t>(count) <= std::numeric_limits<size_t>::max(),
            FASTNN_BAD_FILE);
    return static_cast<std::size_t>(count);
}

// One entry of the header; its array lies in `data`, `size` bytes.
Tensor tensor_of(const std::string& name, const Json& entry, const unsigned char* data, std::size_t size) {
    require(entry.is(Json::Type::object) && entry.items.size() == 3, FASTNN_BAD_FILE);
    const std::vector<Json>& shape = member(entry, "shape", Json::Type::array).items;
    const std::vector<Json>& offsets = member(entry, "data_offsets", Json::Type::array).items;
    require(shape.size() <= kMostAxes && offsets.size() == 2, FASTNN_BAD_FILE);
    Tensor tensor = {name, type_named(member(entry, "dtype", Json::Type::string)), {}, nullptr, 0};
    std::size_t bytes = tensor.type->bytes;
    bool is_empty = false;
    for (const Json& axis : shape) {
        const std::size_t length = count_of(axis);
        tensor.shape.push_back(static_cast<std::int64_t>(length));
        is_empty = is_empty || length == 0;
        if (length == 0) continue;
        require(bytes <= std::numeric_limits<std::size_t>::max() / length, FASTNN_BAD_FILE);
        bytes *= length;
    }
    const std::size_t begin = count_of(offsets[0]), end = count_of(offsets[1]);
    require(begin <= end && end <= size && end - begin == (is_empty ? 0 : bytes), FASTNN_BAD_FILE);
    tensor.data = data + begin;
    tensor.bytes = end - begin;
    return tensor;
}

// Whether the arrays fill the data, one after the other.
bool fill(const std::vector<Tensor>& list, const unsigned char* data, std::size_t size) {
    using Piece = std::pair<std::size_t, std::size_t>;
    std::vector<Piece> pieces;
    for (const Tensor& tensor : list) {
        const auto begin = static_cast<std::size_t>(tensor.data - data);
        pieces.emplace_back(begin, begin + tensor.bytes);
    }
    std::sort(pieces.begin(), pieces.end());
    std::size_t at = 0;
    for (const Piece& piece : pieces) {
        if (piece.first != at) return false;
        at = piece.second;
    }
    return at == size;
}

void write_number(std::uint64_t value, std::string& to) { to += std::to_string(value); }

}  // namespace

const Tensor* Tensors::find(std::string_view name) const {
    const auto place =
        std::lower_bound(list.begin(), list.end(), name,
                         [](const Tensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
    return place != list.end() && place->name == name ? &*place : nullptr;
}

Tensors read_safetensors(const void* bytes, std::size_t size, std::string_view key) {
    const auto* const file = static_cast<const unsigned char*>(bytes);
    require(size >= kLengthBytes, FASTNN_BAD_FILE);
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) length = (length << 8) | file[i];
    require(length <= std::min(size - kLengthBytes, kMostHeader), FASTNN_BAD_FILE);
    const auto header_size = static_cast<std::size_t>(length);
    const Json header = parse_json(std::string_view(reinterpret_cast<const char*>(file) + kLengthBytes, header_size));
    require(header.is(Json::Type::object), FASTNN_BAD_FILE);
    const unsigned char* const data = file + kLengthBytes + header_size;
    const std::size_t data_size = size - kLengthBytes - header_size;
    Tensors tensors;
    tensors.document = member(member(header, kMetadata, Json::Type::object), key, Json::Type::string).text;
    for (std::size_t i = 0; i < header.keys.size(); ++i) {
        if (header.keys[i] == kMetadata) continue;
        tensors.list.push_back(tensor_of(header.keys[i], header.items[i], data, data_size));
    }
    require(fill(tensors.list, data, data_size), FASTNN_BAD_FILE);
    return tensors;
}

std::string write_safetensors(const std::vector<Tensor>& list, std::string_view key, std::string_view document) {
    std::string header = "{\"";
    header += kMetadata;
    header += "\":{";
    write_json_string(key, false, header);
    header += ':';
    write_json_string(document, false, header);
    header += '}';
    std::size_t size = 0;
    for (const Tensor& tensor : list) {
        header += ',';
        write_json_string(tensor.name, false, header);
        header += ":{\"dtype\":\"";
        header += tensor.type->name;
        header += "\",\"shape\":[";
        for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
            if (axis > 0) header += ',';
            write_number(static_cast<std::uint64_t>(tensor.shape[axis]), header);
        }
        header += "],\"data_offsets\":[";
        write_number(size, header);
        header += ',';
        size += tensor.bytes;
        write_number(size, header);
        header += "]}";
    }
    header += '}';
    header.resize((header.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
    std::string file;
    file.reserve(kLengthBytes + header.size() + size);
    for (std::size_t i = 0; i < kLengthBytes; ++i) file += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
    file += header;
    for (const Tensor& tensor : list) file.append(reinterpret_cast<const char*>(tensor.data), tensor.bytes);
    return file;
}

}  // namespace fastnn
