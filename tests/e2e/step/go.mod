module native-buildx/tests/step

go 1.24
