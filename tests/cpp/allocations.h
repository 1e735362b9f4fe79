// What a thread that must not wait may not do: allocate, or ask the system for something.
#ifndef FASTNN_TESTS_ALLOCATIONS_H
#define FASTNN_TESTS_ALLOCATIONS_H

#include <functional>

// Allocations of the whole program so far. Always 0 under the thread sanitizer, which replaces operator new itself.
long allocations();
// Whether those of malloc, calloc and realloc are among them.
bool counts_c_allocations();

enum class Quiet {
    yes,
    no,          // the function made a system call, and its process was ended for it
    failed,      // it returned false
    cannot_tell  // this system cannot forbid system calls
};

// Runs f in a child of a fork that may make no system call.
Quiet runs_quietly(const std::function<bool()>& f);

#endif
