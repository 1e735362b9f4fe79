from Cython.Build import cythonize
from setuptools import Extension, setup

from fastnn import embedding

library = str(embedding.library().parent)
layer = Extension(
    "layer",
    ["layer.pyx"],
    include_dirs=[str(embedding.include_directory())],
    libraries=["fastnn"],
    library_dirs=[library],
    runtime_library_dirs=[library],
)
setup(name="layer", ext_modules=cythonize([layer]))
