// The layers that the C interface describes, as the document that Python's Sequential.get_config would give.
#ifndef FASTNN_MODEL_LAYER_DOCUMENTS_H
#define FASTNN_MODEL_LAYER_DOCUMENTS_H

#include <vector>

#include "fastnn/network.h"
#include "json.h"

namespace fastnn {

// What read_architecture reads. Throws Failure (FASTNN_BAD_VALUE, FASTNN_BAD_SIZE) for what no document can say; what
// else is out of range read_architecture finds.
Json write_layers(std::int32_t dtype, std::int64_t inputs, const std::vector<fastnn_stage>& stages);

}  // namespace fastnn

#endif
