/* The only place that holds the version number: CMake and the Python metadata read it from here. */
#ifndef FASTNN_VERSION_H
#define FASTNN_VERSION_H

#define FASTNN_VERSION "0.1.0"

#endif
