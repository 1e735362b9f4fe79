#include "crc32.h"

namespace fastnn {
namespace {

struct Table {
    std::uint32_t of_byte[256];
    constexpr Table() : of_byte() {
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
            of_byte[i] = value;
        }
    }
};
constexpr Table kTable;

}  // namespace

std::uint32_t crc32(const void* data, std::size_t bytes, std::uint32_t before) {
    const auto* const from = static_cast<const unsigned char*>(data);
    std::uint32_t value = ~before;
    for (std::size_t i = 0; i < bytes; ++i) value = (value >> 8) ^ kTable.of_byte[(value ^ from[i]) & 0xFF];
    return ~value;
}

}  // namespace fastnn
