#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/cache_size.h"

using fastnn::last_level_cache_bytes;

TEST_CASE("the last level of the caches") {
    const auto root =
        std::filesystem::temp_directory_path() / ("fastnn_caches_" + std::to_string(std::random_device{}()));
    const auto write = [&](const std::string& index, const std::string& level, const std::string& size) {
        std::filesystem::create_directories(root / index);
        std::ofstream(root / index / "level") << level;
        std::ofstream(root / index / "size") << size;
    };
    CHECK(last_level_cache_bytes(root.string()) == 0);
    write("index0", "1\n", "32K\n");
    CHECK(last_level_cache_bytes(root.string()) == 32 * 1024);
    write("index2", "3\n", "16M\n");
    write("index1", "2\n", "1024K\n");
    CHECK(last_level_cache_bytes(root.string()) == 16 * 1024 * 1024);
    write("index2", "3\n", "nonsense\n");
    CHECK(last_level_cache_bytes(root.string()) == 1024 * 1024);
    std::filesystem::remove_all(root);
}

TEST_CASE("this machine has a last level") { CHECK(last_level_cache_bytes() > 0); }
