// CRC-32 as in zlib: polynomial EDB88320, reflected.
#ifndef FASTNN_MODEL_CRC32_H
#define FASTNN_MODEL_CRC32_H

#include <cstddef>
#include <cstdint>

namespace fastnn {

// Of `bytes` bytes that follow those that gave `before`; 0 at the start.
std::uint32_t crc32(const void* data, std::size_t bytes, std::uint32_t before);

}  // namespace fastnn

#endif
