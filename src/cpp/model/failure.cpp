#include "failure.h"

namespace fastnn {

void fail(fastnn_status status) { throw Failure{status}; }

}  // namespace fastnn
