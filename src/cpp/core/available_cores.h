// How many threads can really run at once in this process.
#ifndef FASTNN_CORE_AVAILABLE_CORES_H
#define FASTNN_CORE_AVAILABLE_CORES_H

#include <string>

namespace fastnn {

// The physical cores this process may be scheduled on (two hyperthreads share one core's FMA units), or fewer where a
// cgroup quota (a container's CPU limit) allows fewer. At least 1.
int available_cores();

// The quota alone, in CPUs rounded up; 0 if there is none. `groups` is the text of /proc/self/cgroup, `root` the
// directory where the cgroup file systems are mounted.
int cgroup_quota(const std::string& groups, const std::string& root);

}  // namespace fastnn

#endif
