#include "cache_size.h"

#include <fstream>

namespace fastnn {

// Not sysconf: on a virtual machine of 2 Zen 4 cores glibc 2.36 gives 320 MiB for the 32 MiB of the L3 that they share.
double last_level_cache_bytes(const std::string& directory) {
    constexpr int kMostCaches = 16;
    int highest = 0;
    double result = 0;
    for (int i = 0; i < kMostCaches; ++i) {
        const std::string cache = directory + "/index" + std::to_string(i);
        int level = 0;
        double size = 0;
        char unit = ' ';
        std::ifstream(cache + "/level") >> level;
        std::ifstream(cache + "/size") >> size >> unit;
        if (level <= highest || !(size > 0)) continue;
        highest = level;
        result = size * (unit == 'K' ? 1024.0 : unit == 'M' ? 1024.0 * 1024.0 : 1.0);
    }
    return result;
}

double last_level_cache_bytes() {
    constexpr double kUsual = 32e6;
    static const double bytes = last_level_cache_bytes("/sys/devices/system/cpu/cpu0/cache");
    return bytes > 0 ? bytes : kUsual;
}

}  // namespace fastnn
