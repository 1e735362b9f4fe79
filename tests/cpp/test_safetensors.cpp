// Files of arrays: every field of the header is checked before it is believed.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "model/crc32.h"
#include "model/failure.h"
#include "model/safetensors.h"

namespace {

using fastnn::Tensor;
using fastnn::Tensors;

std::string file_of(const std::string& header, std::size_t data) {
    std::string file;
    for (int i = 0; i < 8; ++i) file += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
    return file + header + std::string(data, 'x');
}

bool is_refused(const std::string& file) {
    try {
        // A copy of the exact size, so that the address sanitizer sees a byte read too far.
        const std::vector<char> copy(file.begin(), file.end());
        fastnn::read_safetensors(copy.data(), copy.size(), "k");
    } catch (const fastnn::Failure& failure) {
        return failure.status == FASTNN_BAD_FILE;
    }
    return false;
}

std::string header_of(const std::string& entries) {
    return "{\"__metadata__\":{\"k\":\"d\"}" + (entries.empty() ? "" : "," + entries) + "}";
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "F32") {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("CRC-32 of the standard's test vector") {
    CHECK(fastnn::crc32("123456789", 9, 0) == 0xCBF43926);
    CHECK(fastnn::crc32("6789", 4, fastnn::crc32("12345", 5, 0)) == 0xCBF43926);
    CHECK(fastnn::crc32(nullptr, 0, 7) == 7);
}

TEST_CASE("arrays are written and read again") {
    const float a[6] = {1, 2, 3, 4, 5, 6}, b[1] = {7};
    const auto* const a_bytes = reinterpret_cast<const unsigned char*>(a);
    const auto* const b_bytes = reinterpret_cast<const unsigned char*>(b);
    const std::vector<Tensor> list = {{"a", &fastnn::kFloat32, {2, 3}, a_bytes, sizeof a},
                                      {"b\xC3\xA4\"", &fastnn::kFloat32, {}, b_bytes, sizeof b},
                                      {"c", &fastnn::kFloat32, {0, 5}, b_bytes, 0}};
    const std::string file = fastnn::write_safetensors(list, "k", "a \"document\"\n");
    CHECK(file.size() % 4 == 0);
    const Tensors read = fastnn::read_safetensors(file.data(), file.size(), "k");
    CHECK(read.document == "a \"document\"\n");
    REQUIRE(read.list.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(read.list[i].name == list[i].name);
        CHECK(read.list[i].shape == list[i].shape);
        REQUIRE(read.list[i].bytes == list[i].bytes);
        CHECK(std::memcmp(read.list[i].data, list[i].data, list[i].bytes) == 0);
    }
    CHECK(read.find("a")->type == &fastnn::kFloat32);
    CHECK(read.find("z") == nullptr);
    for (std::size_t size = 0; size < file.size(); ++size) CHECK(is_refused(file.substr(0, size)));
    CHECK(is_refused(file + '\0'));
}

TEST_CASE("good headers") {
    CHECK(!is_refused(file_of(header_of(""), 0)));
    CHECK(!is_refused(file_of(header_of("") + "   ", 0)));
    CHECK(!is_refused(file_of(header_of(entry("a", "[2]", "[0,8]")), 8)));
    CHECK(!is_refused(file_of(header_of(entry("a", "[2]", "[4,12]") + "," + entry("b", "[]", "[0,4]")), 12)));
    for (const char* const dtype : {"U8", "I8", "BOOL"}) {
        CHECK(!is_refused(file_of(header_of(entry("a", "[3]", "[0,3]", dtype)), 3)));
    }
    for (const char* const dtype : {"F64", "I64", "U64"}) {
        CHECK(!is_refused(file_of(header_of(entry("a", "[1,1]", "[0,8]", dtype)), 8)));
    }
    for (const char* const dtype : {"F16", "I16", "U16"}) {
        CHECK(!is_refused(file_of(header_of(entry("a", "[1,4]", "[0,8]", dtype)), 8)));
    }
}

TEST_CASE("bad headers are refused") {
    const std::string good = header_of(entry("a", "[2]", "[0,8]"));
    // The length of the header.
    for (const unsigned char byte : {0, 1, 0x7F, 0xFF}) {
        for (std::size_t i = 0; i < 8; ++i) {
            std::string file = file_of(good, 8);
            if (static_cast<unsigned char>(file[i]) == byte) continue;
            file[i] = static_cast<char>(byte);
            CHECK(is_refused(file));
        }
    }
    CHECK(is_refused(file_of("", 0)));
    CHECK(is_refused(file_of("[]", 0)));
    CHECK(is_refused(file_of("{}", 0)));
    CHECK(is_refused(file_of("{\"__metadata__\":{}}", 0)));
    CHECK(is_refused(file_of("{\"__metadata__\":{\"other\":\"d\"}}", 0)));
    CHECK(is_refused(file_of("{\"__metadata__\":{\"k\":1}}", 0)));
    CHECK(is_refused(file_of("{\"__metadata__\":\"k\"}", 0)));
    CHECK(is_refused(file_of(good, 7)));
    CHECK(is_refused(file_of(good, 9)));
    for (const char* const shape :
         {"[3]", "[1]", "[]", "[-2]", "[2.0]", "2", "null", "[2,0]", "[\"2\"]", "[4294967296,4294967296]",
          "[4611686018427387904,2]", "[9223372036854775808]", "[1e1]", "[2,1,null]"}) {
        CAPTURE(shape);
        CHECK(is_refused(file_of(header_of(entry("a", shape, "[0,8]")), 8)));
    }
    std::string axes = "[2";
    for (int i = 0; i < 64; ++i) axes += ",1";
    CHECK(is_refused(file_of(header_of(entry("a", axes + "]", "[0,8]")), 8)));
    for (const char* const offsets :
         {"[0]", "[0,8,8]", "[8,0]", "[-8,0]", "[0,-8]", "[1,9]", "[0,9]", "[0,7]", "{}", "[8,16]", "[0,8.0]",
          "[\"0\",8]", "[18446744073709551608,0]", "[18446744073709551616,8]"}) {
        CAPTURE(offsets);
        CHECK(is_refused(file_of(header_of(entry("a", "[2]", offsets)), 8)));
    }
    for (const char* const dtype : {"", "f32", "BF16", "F8_E4M3", "F32 ", "C64"}) {
        CAPTURE(dtype);
        CHECK(is_refused(file_of(header_of(entry("a", "[2]", "[0,8]", dtype)), 8)));
    }
    // Overlap, a hole, bytes of no array, an array twice.
    CHECK(is_refused(file_of(header_of(entry("a", "[2]", "[0,8]") + "," + entry("b", "[2]", "[4,12]")), 12)));
    CHECK(is_refused(file_of(header_of(entry("a", "[2]", "[0,8]") + "," + entry("b", "[2]", "[0,8]")), 8)));
    CHECK(is_refused(file_of(header_of(entry("a", "[2]", "[0,8]") + "," + entry("b", "[1]", "[12,16]")), 16)));
    CHECK(is_refused(file_of(header_of(entry("a", "[1]", "[4,8]")), 8)));
    CHECK(is_refused(file_of(header_of(entry("a", "[2]", "[0,8]") + "," + entry("a", "[2]", "[8,16]")), 16)));
    // Members that are missing, or more than there are.
    CHECK(is_refused(file_of(header_of("\"a\":{\"dtype\":\"F32\",\"shape\":[2]}"), 8)));
    CHECK(is_refused(file_of(header_of("\"a\":{\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}"), 8)));
    CHECK(is_refused(file_of(header_of("\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}"), 8)));
    CHECK(is_refused(file_of(header_of("\"a\":[]"), 0)));
}
