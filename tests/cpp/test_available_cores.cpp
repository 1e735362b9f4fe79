#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/available_cores.h"

using fastnn::cgroup_quota;

namespace {

// A folder that stands in for /sys/fs/cgroup.
struct Mount {
    std::filesystem::path root =
        std::filesystem::temp_directory_path() / ("fastnn_cgroup_" + std::to_string(std::random_device{}()));
    ~Mount() { std::filesystem::remove_all(root); }
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    }
};

}  // namespace

TEST_CASE("there is at least one core") { CHECK(fastnn::available_cores() >= 1); }

TEST_CASE("no control group, no quota") {
    const Mount mount;
    CHECK(cgroup_quota("", mount.root) == 0);
    CHECK(cgroup_quota("0::/\n", mount.root) == 0);
    CHECK(cgroup_quota("nonsense\n:\n::\n", mount.root) == 0);
}

TEST_CASE("version 2: the smallest quota on the way to the root, rounded up") {
    const Mount mount;
    mount.write("cpu.max", "max 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.root) == 0);
    mount.write("a/cpu.max", "150000 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.root) == 2);
    mount.write("a/b/cpu.max", "400000 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.root) == 2);
    mount.write("a/b/cpu.max", "50000 100000\n");
    CHECK(cgroup_quota("0::/a/b\n", mount.root) == 1);
    CHECK(cgroup_quota("0::/elsewhere\n", mount.root) == 0);
}

TEST_CASE("version 1: the cpu controller, with the container's path or the host's") {
    const Mount mount;
    mount.write("cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
    mount.write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    const std::string groups = "5:memory:/m\n4:cpu,cpuacct:/docker/1234\n3:cpuset:/\n";
    CHECK(cgroup_quota(groups, mount.root) == 3);
    mount.write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    CHECK(cgroup_quota(groups, mount.root) == 0);
}
