from Cython.Build import cythonize
from fastnn import embedding
from setuptools import Extension, setup

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
