// How much the last level of the caches holds. Decides where results are written, never what they are.
#ifndef FASTNN_CORE_CACHE_SIZE_H
#define FASTNN_CORE_CACHE_SIZE_H

#include <string>

namespace fastnn {

// Bytes; a usual size where the system does not tell. Asked once.
double last_level_cache_bytes();

// What a directory in the form of Linux's /sys/devices/system/cpu/cpu0/cache tells; 0 if nothing.
double last_level_cache_bytes(const std::string& directory);

}  // namespace fastnn

#endif
