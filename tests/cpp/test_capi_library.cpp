// The functions of the C interface that concern the whole library, and their use from C.
#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>

#include "c_interface.h"
#include "core/dispatch.h"
#include "core/threads.h"
#include "fastnn/fastnn.h"

TEST_CASE("C interface: from C11") { CHECK(c_interface_works() == 1); }

TEST_CASE("C interface: versions and instruction set") {
    CHECK(fastnn_abi_version() == FASTNN_ABI_VERSION);
    CHECK(std::string(fastnn_version()) == FASTNN_VERSION);
    CHECK(std::string(fastnn_isa()) == fastnn::kernels().name);
}

TEST_CASE("C interface: every status has a sentence of its own") {
    std::set<std::string> sentences;
    for (int status = FASTNN_OK; status <= FASTNN_INTERNAL; ++status) {
        sentences.insert(fastnn_status_string(static_cast<fastnn_status>(status)));
    }
    CHECK(sentences.size() == FASTNN_INTERNAL + 1);
    CHECK(sentences.count("unknown status") == 0);
    CHECK(std::string(fastnn_status_string(static_cast<fastnn_status>(FASTNN_INTERNAL + 1))) == "unknown status");
}

TEST_CASE("C interface: the number of threads") {
    const std::int32_t before = fastnn_get_num_threads();
    fastnn_set_num_threads(3);
    CHECK(fastnn_get_num_threads() == 3);
    CHECK(fastnn::thread_count() == 3);
    fastnn_set_num_threads(-5);
    CHECK(fastnn_get_num_threads() == 1);
    fastnn_set_num_threads(before);
}
