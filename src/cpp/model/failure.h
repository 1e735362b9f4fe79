// What the reading and writing of models throws; the C interface answers it as a status.
#ifndef FASTNN_MODEL_FAILURE_H
#define FASTNN_MODEL_FAILURE_H

#include "fastnn/base.h"

namespace fastnn {

struct Failure {
    fastnn_status status;
};

// Out of line, so that a check costs a comparison and a call.
[[noreturn]] void fail(fastnn_status status);

inline void require(bool condition, fastnn_status status) {
    if (!condition) fail(status);
}

}  // namespace fastnn

#endif
