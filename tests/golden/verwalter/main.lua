return require "mesh.verwalter" {dir = "v1", template = {pages = "static"}}
