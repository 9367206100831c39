noxsabuse_memory := 1
