#include "available_cores.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace fastnn {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

int cpus_of(double quota, double period) {
    if (!(quota > 0) || !(period > 0)) return 0;
    const double cpus = quota / period;
    if (cpus >= 1e6) return 0;
    const int whole = static_cast<int>(cpus);
    return whole < cpus ? whole + 1 : whole;
}

// Version 2: "max 100000" or "150000 100000".
int quota_v2(const std::string& directory) {
    std::istringstream text(read_text(directory + "/cpu.max"));
    double quota = 0;
    double period = 0;
    return text >> quota >> period ? cpus_of(quota, period) : 0;
}

// Version 1: two files; a quota of -1 means none.
int quota_v1(const std::string& directory) {
    std::istringstream quota_text(read_text(directory + "/cpu.cfs_quota_us"));
    std::istringstream period_text(read_text(directory + "/cpu.cfs_period_us"));
    double quota = 0;
    double period = 0;
    return quota_text >> quota && period_text >> period ? cpus_of(quota, period) : 0;
}

int smaller_quota(int a, int b) { return a == 0 ? b : (b == 0 ? a : std::min(a, b)); }

// Every level limits those below it, and inside a container the path may be that of the host, of which only the root
// is mounted: so ask each level up to the root.
int quota_up_to_root(const std::string& mount, std::string group, int (*quota)(const std::string&)) {
    int result = 0;
    while (true) {
        while (!group.empty() && group.back() == '/') group.pop_back();
        result = smaller_quota(result, quota(mount + group));
        if (group.empty()) return result;
        const std::string::size_type slash = group.rfind('/');
        group.resize(slash == std::string::npos ? 0 : slash);
    }
}

bool names_cpu(const std::string& controllers) {
    std::istringstream list(controllers);
    for (std::string name; std::getline(list, name, ',');) {
        if (name == "cpu") return true;
    }
    return false;
}

// Empty where the system cannot say.
std::vector<int> scheduled_cpus() {
    std::vector<int> cpus;
#if defined(__linux__)
    constexpr int kMostCpus = 8192;
    cpu_set_t* set = CPU_ALLOC(kMostCpus);
    if (set == nullptr) return cpus;
    const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
    if (sched_getaffinity(0, bytes, set) == 0) {
        for (int cpu = 0; cpu < kMostCpus; ++cpu) {
            if (CPU_ISSET_S(cpu, bytes, set)) cpus.push_back(cpu);
        }
    }
    CPU_FREE(set);
#endif
    return cpus;
}

}  // namespace

int cgroup_quota(const std::string& groups, const std::string& root) {
    int result = 0;
    std::istringstream lines(groups);
    for (std::string line; std::getline(lines, line);) {  // "0::/path" or "4:cpu,cpuacct:/path"
        const std::string::size_type first = line.find(':');
        const std::string::size_type second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (controllers.empty()) {
            result = smaller_quota(result, quota_up_to_root(root, group, quota_v2));
        } else if (names_cpu(controllers)) {
            result = smaller_quota(result, quota_up_to_root(root + "/" + controllers, group, quota_v1));
            result = smaller_quota(result, quota_up_to_root(root + "/cpu", group, quota_v1));
        }
    }
    return result;
}

int available_cores() {
    std::set<std::string> cores;
    for (int cpu : scheduled_cpus()) {
        const std::string name = "cpu" + std::to_string(cpu);
        const std::string siblings = read_text("/sys/devices/system/cpu/" + name + "/topology/thread_siblings_list");
        cores.insert(siblings.empty() ? name : siblings);
    }
    const int found = static_cast<int>(cores.empty() ? std::thread::hardware_concurrency() : cores.size());
    return std::max(1, smaller_quota(found, cgroup_quota(read_text("/proc/self/cgroup"), "/sys/fs/cgroup")));
}

}  // namespace fastnn
